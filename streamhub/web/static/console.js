// The host's console: fetches the board anew when something changed, and works by keys.
// The board is the server's HTML; what somebody has open, picked, chosen or is typing survives the exchange.
// Everything that a host does goes through the outbox, so that a bad line delays it and never loses it.

import "./copying.js";
import { makeDraggable } from "./dragging.js";
import { Outbox } from "./outbox.js";
import { released } from "./pressing.js";

const main = document.querySelector("main[data-session]");
const id = main.dataset.session;
const board = document.getElementById("board");
const said = document.getElementById("console-said");
const done = document.getElementById("console-done");
const waiting = document.getElementById("outbox");
const refusals = document.getElementById("refusals");
const dialog = document.getElementById("panel");
const help = document.getElementById("help");
const keysOn = document.getElementById("keys-on");
const words = main.dataset;
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

// The board, kept fresh.

let fetching = false;
let again = false;
let dragging = { isDragging: () => false };
async function refresh() {
  if (fetching || dragging.isDragging()) {
    again = true;
    return;
  }
  fetching = true;
  try {
    const response = await fetch(`/host/s/${id}/board${location.search}`);
    if (response.status === 401) say(words.signedOut);
    if (response.ok) {
      const html = await response.text();
      await released();
      if (dragging.isDragging()) again = true;
      else exchange(html);
    }
  } catch {
    say(words.lost);
  }
  fetching = false;
  if (again && !dragging.isDragging()) {
    again = false;
    refresh();
  }
}

const kept = "input:not([type=hidden], [type=file]), textarea, select";
function exchange(html) {
  const open = [...board.querySelectorAll("details[open]")].map((details) => details.id);
  const typed = [...board.querySelectorAll(kept)].map((input) => [input.id, input.value, input.checked]);
  const active = document.activeElement;
  const scrolled = [...board.querySelectorAll("[data-scroll]")].map((element) => [element.dataset.scroll, element.scrollTop]);
  const key = active && board.contains(active) ? describe(active) : null;
  const selection = isText(active) ? [active.selectionStart, active.selectionEnd] : null;
  board.innerHTML = html;
  for (const details of open) document.getElementById(details)?.setAttribute("open", "");
  for (const [name, value, checked] of typed) {
    const input = name && document.getElementById(name);
    if (!input) continue;
    if (input.type === "checkbox") input.checked = checked;
    else if (input.tagName !== "SELECT" || [...input.options].some((option) => option.value === value)) input.value = value;
  }
  for (const [name, top] of scrolled) {
    const element = board.querySelector(`[data-scroll="${name}"]`);
    if (element) element.scrollTop = top;
  }
  syncClock();
  tick();
  pick(picked, false);
  showChosen();
  showWaiting();
  const found = key && find(key);
  if (found) {
    found.focus({ preventScroll: true });
    if (selection && isText(found)) found.setSelectionRange(...selection);
  }
}

function isText(element) {
  return element?.tagName === "TEXTAREA" || (element?.tagName === "INPUT" && /^(text|search)$/.test(element.type));
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

// What hosts do, by way of the outbox.

const outbox = new Outbox(`streamhub:${id}`, {
  token: () => document.querySelector("[name=form_token]")?.value ?? "",
  changed: (entries, tries) => showOutbox(entries, tries),
  done: (entry, result) => {
    say("");
    if (result.said) tell(result.said);
    else if (result.undone) tell(words.undone);
    else if (result.ids) tell(words.taken);
    refresh();
  },
  refused: (entry, error) => {
    if (error.status === 401) {
      say(words.signedOut);
      showRefusal(entry, { ...error, message: words.signedOut });
    } else showRefusal(entry, error);
    refresh();
  },
});

let telling = 0;
function tell(text) {
  done.textContent = text;
  done.hidden = !text;
  clearTimeout(telling);
  telling = setTimeout(() => (done.hidden = true), 4000);
}

function showOutbox(entries, tries) {
  const stuck = entries.length > 0 && (tries > 0 || !navigator.onLine || entries.length > 3);
  waiting.hidden = !stuck;
  if (stuck) {
    waiting.querySelector("p").textContent = words.waiting.replace("{count}", entries.length);
    const list = entries.map((entry) => Object.assign(document.createElement("li"), { textContent: describeEntry(entry) }));
    waiting.querySelector("ol").replaceChildren(...list);
  }
  showWaiting();
}

function describeEntry(entry) {
  const text = entry.fields.find(([name]) => name === "text" || name === "csv" || name === "note")?.[1] ?? "";
  return [entry.label, text].filter(Boolean).join(": ").slice(0, 160);
}

function showWaiting() {
  for (const item of board.querySelectorAll("[data-pending]")) delete item.dataset.pending;
  for (const entry of outbox?.entries ?? []) {
    const item = entry.question && document.getElementById(`q-${entry.question}`);
    if (item) item.dataset.pending = words.notSent;
  }
}

// A refusal stays until somebody closes it, with what was typed; "anyway" sends it for the question as it is now.
function showRefusal(entry, error) {
  const box = document.getElementById("refusal").content.cloneNode(true).firstElementChild;
  const typed = entry.fields.find(([name, value]) => /^(text|csv|note|topics)$/.test(name) && value)?.[1];
  box.querySelector("[data-what]").textContent = entry.label;
  box.querySelector("[data-why]").textContent = [error.message || words.failed, error.hint].filter(Boolean).join(" ");
  const text = box.querySelector("textarea");
  text.closest("label").hidden = !typed;
  if (typed) text.value = typed;
  const anyway = box.querySelector("[data-anyway]");
  anyway.hidden = !error.overtaken || !error.version;
  anyway.addEventListener("click", () => {
    const fields = entry.fields.map(([name, value]) => [name, name === "version" ? String(error.version) : value]);
    outbox.put({ ...entry, fields, version: error.version });
    box.remove();
  });
  box.querySelector("[data-close]").addEventListener("click", () => box.remove());
  refusals.append(box);
  if (typed && dialog.open) dialog.close();
}

function send(form, button) {
  const url = button?.getAttribute("formaction") ?? form.getAttribute("action");
  const fields = [...new FormData(form, button)].filter(([name, value]) => name !== "form_token" && typeof value === "string");
  const question = /\/questions\/([^/]+)\//.exec(url)?.[1] ?? "";
  const version = Number(fields.find(([name]) => name === "version")?.[1] ?? 0);
  outbox.put({ url, fields, question, version, label: (button?.textContent ?? "").trim() });
}

function submit(event) {
  const form = event.target;
  const button = event.submitter;
  const url = button?.getAttribute("formaction") ?? form.getAttribute("action") ?? "";
  if (form.method !== "post") return;
  if (!/\/(questions\/|merge$|undo$|bring$)/.test(url)) {
    event.preventDefault();
    sendPlain(form, button, url);
    return;
  }
  event.preventDefault();
  send(form, button);
  form.closest("details.decline, .bring details")?.removeAttribute("open");
  if (form.closest(".bring")) form.reset();
  for (const box of form.id === "merge-form" ? board.querySelectorAll("[name=ids]:checked") : []) box.checked = false;
  showChosen();
  if (dialog.contains(form)) dialog.close();
}

// Steps of the session and of its platforms wait for nobody: they are sent at once, or not at all.
async function sendPlain(form, button, url) {
  const body = new URLSearchParams(new FormData(form, button));
  try {
    const response = await fetch(url, { method: "POST", body, redirect: "manual" });
    if (response.type === "opaqueredirect") {
      say("");
      const fold = form.closest("details");
      if (!fold?.matches(".proposals, .stories")) fold?.removeAttribute("open"); // there, the next one may follow
    } else {
      const page = new DOMParser().parseFromString(await response.text(), "text/html");
      say(page.querySelector("[data-error]")?.textContent ?? words.failed);
    }
  } catch {
    say(words.lost);
  }
  refresh();
}

board.addEventListener("submit", submit);
dialog.addEventListener("submit", submit);
document.querySelector(".bring")?.addEventListener("submit", submit);

// The panel of one question.

async function openPanel(href, first = "") {
  try {
    const response = await fetch(`${href.split("#")[0]}/panel`);
    if (!response.ok) throw new Error(String(response.status));
    dialog.querySelector("[data-content]").innerHTML = await response.text();
    if (!dialog.open) dialog.showModal();
    const field = first && dialog.querySelector(`[data-first="${first}"]`);
    if (field) {
      field.focus();
      field.scrollIntoView({ block: "center" });
    }
  } catch {
    say(words.lost);
  }
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("[data-panel]");
  if (link && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    openPanel(link.getAttribute("href"));
  }
  if (event.target.closest("[data-close-dialog]")) event.target.closest("dialog").close();
});
dialog.addEventListener("close", () => pick(picked));

// Choosing several, and merging them.

function chosen() {
  return [...board.querySelectorAll("[name=ids]:checked")];
}

function showChosen() {
  const form = document.getElementById("merge-form");
  if (!form) return;
  const count = chosen().length;
  form.classList.toggle("ready", count > 1);
  const place = document.getElementById("chosen");
  place.textContent = count === 1 ? place.dataset.one : count ? place.dataset.many.replace("{count}", count) : "";
}

board.addEventListener("change", (event) => {
  if (event.target.name === "ids") showChosen();
  if (event.target.closest("#inbox-tools")) sift();
});

function mergeChosen() {
  const form = document.getElementById("merge-form");
  if (!form || chosen().length < 2) return false;
  const item = document.getElementById(picked ?? "");
  form.elements.into.value = item?.querySelector("[name=ids]:checked") ? item.dataset.question : "";
  form.requestSubmit(form.querySelector("button"));
  form.elements.into.value = "";
  return true;
}

// Sorting, filtering, searching.

let sifting = 0;
function sift(delay_ms = 0) {
  clearTimeout(sifting);
  sifting = setTimeout(() => {
    const wanted = new URLSearchParams(new FormData(document.getElementById("inbox-tools")));
    for (const [name, value] of [...wanted]) if (!value || (name === "sort" && value === "votes")) wanted.delete(name);
    history.replaceState(null, "", `${location.pathname}${wanted.size ? `?${wanted}` : ""}`);
    refresh();
  }, delay_ms);
}

board.addEventListener("input", (event) => {
  if (event.target.id === "inbox-text") sift(200);
});
board.addEventListener("submit", (event) => {
  if (event.target.id !== "inbox-tools") return;
  event.preventDefault();
  sift();
});

// Keys.

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

function openPicked(first) {
  const link = document.getElementById(picked ?? "")?.querySelector("a[data-panel]");
  if (link) openPanel(link.getAttribute("href"), first);
  return Boolean(link);
}

function actByPanel(action) {
  const item = document.getElementById(picked ?? "");
  const form = item?.querySelector("form.acts");
  if (!item?.dataset.question || !form) return false;
  const url = `/host/s/${id}/questions/${item.dataset.question}/${action}`;
  const label = action === "carry" ? words.carry : words.writing;
  outbox.put({ url, fields: [["version", item.dataset.version]], question: item.dataset.question, version: Number(item.dataset.version), label });
  return true;
}

function bringIn() {
  const details = document.getElementById("bring-phone");
  if (!details) return false;
  details.open = true;
  details.querySelector("textarea").focus();
  return true;
}

const KEYS = {
  j: () => move(1),
  ArrowDown: () => move(1),
  k: () => move(-1),
  ArrowUp: () => move(-1),
  n: () => document.querySelector('#queue [data-key="a"]')?.click(),
  u: () => document.getElementById("undo-latest")?.click(),
  m: () => mergeChosen() || openPicked("m"),
  e: () => openPicked("e"),
  p: () => openPicked("p"),
  t: () => openPicked("t"),
  c: () => actByPanel("carry"),
  w: () => actByPanel("to-writing"),
  i: () => bringIn(),
  "/": () => document.getElementById("inbox-text")?.focus(),
  "?": () => help.showModal(),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
  const typing = event.target.closest?.("input:not([type=checkbox], [type=radio]), textarea, select");
  if (typing) {
    if (event.key === "Escape" && !dialog.open) {
      typing.closest("details")?.removeAttribute("open");
      pick(picked);
    }
    return;
  }
  if (!keysOn.checked || dialog.open || help.open) return;
  let used = true;
  if (KEYS[event.key]) KEYS[event.key]();
  else if (/^[adbqsohxvJK]$/.test(event.key)) used = press(event.key);
  else used = false;
  if (used) event.preventDefault();
});

board.addEventListener("focusin", (event) => {
  const item = event.target.closest("[data-item]");
  if (item && item.id !== picked) pick(item.id, false);
});

document.getElementById("bring-file")?.addEventListener("change", async (event) => {
  const file = event.target.files[0];
  if (file) document.getElementById("bring-csv").value = await readText(file);
});

// Spreadsheets in German write Windows' own letters unless they are told otherwise.
async function readText(file) {
  const bytes = await file.arrayBuffer();
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return new TextDecoder("windows-1252").decode(bytes);
  }
}

dragging = makeDraggable(board, (item, next) => {
  const fields = [["version", item.dataset.version], ["before", next?.dataset.question ?? ""]];
  const url = `/host/s/${id}/questions/${item.dataset.question}/place`;
  outbox.put({ url, fields, question: item.dataset.question, version: Number(item.dataset.version), label: words.moved });
});

// Live.

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
  source.addEventListener("open", () => document.dispatchEvent(new CustomEvent("console-connected")));
  source.addEventListener("diff", (event) => {
    const change = JSON.parse(event.data);
    if (change.signal) showSignal(change.signal);
    if (Object.keys(change).some((name) => name !== "signal")) refresh();
  });
  source.addEventListener("words", (event) => {
    document.dispatchEvent(new CustomEvent("words-heard", { detail: JSON.parse(event.data) }));
  });
  source.addEventListener("open", () => {
    say("");
    outbox.wake();
  });
  source.addEventListener("error", () => {
    say(words.lost);
    if (source.readyState === EventSource.CLOSED) setTimeout(listen, 3000);
  });
}

keysOn.checked = localStorage.getItem("keys") !== "off";
keysOn.addEventListener("change", () => localStorage.setItem("keys", keysOn.checked ? "on" : "off"));
document.getElementById("show-help").addEventListener("click", () => help.showModal());
document.documentElement.classList.add("scripted-on");
syncClock();
tick();
showChosen();
setInterval(tick, 1000);
outbox.start();
listen();
