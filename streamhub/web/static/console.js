// The host's console: fetches the board anew when something changed, and works by keys.
// The board is the server's HTML; what somebody has open, picked or is typing survives the exchange.

const main = document.querySelector("main[data-session]");
const id = main.dataset.session;
const board = document.getElementById("board");
const said = document.getElementById("console-said");
const keysOn = document.getElementById("keys-on");
let picked = null;
let clockOffsetMs = 0;

function say(text) {
  said.hidden = !text;
  said.textContent = text;
}

function syncClock() {
  clockOffsetMs = new Date(document.getElementById("board-head").dataset.now) - Date.now();
}

function tick() {
  for (const element of board.querySelectorAll("[data-since]")) {
    const seconds = Math.max(0, Math.floor((Date.now() + clockOffsetMs - new Date(element.dataset.since)) / 1000));
    const parts = [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60), seconds % 60];
    const shown = parts[0] ? parts : parts.slice(1);
    element.textContent = shown.map((n, place) => (place ? String(n).padStart(2, "0") : n)).join(":");
  }
}

let fetching = false;
let again = false;
async function refresh() {
  if (fetching) {
    again = true;
    return;
  }
  fetching = true;
  try {
    const response = await fetch(`/host/s/${id}/board`);
    if (response.status === 401) location.reload();
    if (response.ok) exchange(await response.text());
  } catch {
    say(main.dataset.lost);
  }
  fetching = false;
  if (again) {
    again = false;
    refresh();
  }
}

function exchange(html) {
  const open = [...board.querySelectorAll("details[open]")].map((details) => details.id);
  const typed = [...board.querySelectorAll("input:not([type=hidden])")].map((input) => [input.id, input.value]);
  const active = document.activeElement;
  const scrolled = [...board.querySelectorAll("[data-scroll]")].map((element) => [element.dataset.scroll, element.scrollTop]);
  const key = active && board.contains(active) ? describe(active) : null;
  const selection = active?.tagName === "INPUT" ? [active.selectionStart, active.selectionEnd] : null;
  board.innerHTML = html;
  for (const details of open) document.getElementById(details)?.setAttribute("open", "");
  for (const [name, value] of typed) {
    const input = document.getElementById(name);
    if (input) input.value = value;
  }
  for (const [name, top] of scrolled) {
    const element = board.querySelector(`[data-scroll="${name}"]`);
    if (element) element.scrollTop = top;
  }
  syncClock();
  tick();
  pick(picked, false);
  const again = key && find(key);
  if (again) {
    again.focus({ preventScroll: true });
    if (selection && again.tagName === "INPUT") again.setSelectionRange(...selection);
  }
}

function describe(element) {
  return { id: element.id, item: element.closest("[data-item]")?.id, key: element.dataset.key };
}

function find({ id: name, item, key }) {
  if (name) return document.getElementById(name);
  const place = item ? document.getElementById(item) : null;
  return (key && place?.querySelector(`[data-key="${key}"]`)) || place;
}

function items() {
  return [...board.querySelectorAll("[data-item]")].filter((item) => item.checkVisibility());
}

function pick(name, focus = true) {
  for (const item of board.querySelectorAll(".picked")) item.classList.remove("picked");
  const item = name ? document.getElementById(name) : null;
  picked = item ? name : null;
  if (!item) return;
  item.classList.add("picked");
  if (focus) {
    item.focus({ preventScroll: true });
    item.scrollIntoView({ block: "nearest" });
  }
}

function move(by) {
  const all = items();
  if (!all.length) return;
  const place = all.findIndex((item) => item.id === picked);
  const next = place < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, place + by));
  pick(all[next].id);
}

function press(key) {
  const onAir = board.querySelector("#air [data-item]");
  const place = document.getElementById(picked ?? "") ?? (key === "d" || key === "b" ? onAir : null);
  const target = place?.querySelector(`[data-key="${key}"]`) ?? (key === "d" || key === "b" ? onAir?.querySelector(`[data-key="${key}"]`) : null);
  if (!target) return false;
  if (target.tagName === "SUMMARY") {
    target.parentElement.open = true;
    target.parentElement.querySelector("input:not([type=hidden])")?.focus();
  } else target.click();
  return true;
}

document.addEventListener("keydown", (event) => {
  if (!keysOn.checked || event.ctrlKey || event.altKey || event.metaKey) return;
  const typing = event.target.closest?.("input:not([type=checkbox]), textarea, select");
  if (typing) {
    if (event.key === "Escape") {
      typing.closest("details")?.removeAttribute("open");
      pick(picked);
    }
    return;
  }
  let done = true;
  if (event.key === "j" || event.key === "ArrowDown") move(1);
  else if (event.key === "k" || event.key === "ArrowUp") move(-1);
  else if (event.key === "n") document.querySelector('#queue [data-key="a"]')?.click();
  else if (/^[adbqsohx]$/.test(event.key)) done = press(event.key);
  else done = false;
  if (done) event.preventDefault();
});

board.addEventListener("focusin", (event) => {
  const item = event.target.closest("[data-item]");
  if (item && item.id !== picked) pick(item.id, false);
});

board.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const label = button.textContent;
  await navigator.clipboard.writeText(button.dataset.copy);
  button.textContent = button.dataset.copied;
  setTimeout(() => (button.textContent = label), 2000);
});

board.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = event.submitter;
  const body = new URLSearchParams(new FormData(event.target, button));
  try {
    const response = await fetch(button?.getAttribute("formaction") ?? event.target.action, { method: "POST", body, redirect: "manual" });
    if (response.type === "opaqueredirect") {
      say("");
      event.target.closest("details")?.removeAttribute("open");
    } else {
      const page = new DOMParser().parseFromString(await response.text(), "text/html");
      say(page.querySelector("[data-error]")?.textContent ?? main.dataset.failed);
    }
  } catch {
    say(main.dataset.lost);
  }
  refresh();
});

function showSignal(signal) {
  const element = document.getElementById("signal");
  if (!element) return;
  element.className = `signal ${signal.quality}`;
  element.querySelector(".says").textContent = element.getAttribute(`data-${signal.quality}`) ?? element.dataset.unknown;
  element.querySelector(".rate").textContent = signal.bitrate_kbit_s ? `${signal.bitrate_kbit_s} kbit/s` : "";
  document.getElementById("issues").replaceChildren(
    ...signal.issues.map((issue) => Object.assign(document.createElement("li"), { textContent: issue })),
  );
}

function listen() {
  const source = new EventSource(`/api/v1/host/sessions/${id}/events`);
  source.addEventListener("state", refresh);
  source.addEventListener("diff", (event) => {
    const change = JSON.parse(event.data);
    if (change.signal) showSignal(change.signal);
    if (Object.keys(change).some((name) => name !== "signal")) refresh();
  });
  source.addEventListener("open", () => say(""));
  source.addEventListener("error", () => {
    say(main.dataset.lost);
    if (source.readyState === EventSource.CLOSED) setTimeout(listen, 3000);
  });
}

keysOn.checked = localStorage.getItem("keys") !== "off";
keysOn.addEventListener("change", () => localStorage.setItem("keys", keysOn.checked ? "on" : "off"));
syncClock();
tick();
setInterval(tick, 1000);
listen();
