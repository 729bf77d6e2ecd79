// Marks by ear: a key press keeps where the player stands. The sheet is the server's HTML; the player goes on playing.

import { watchJoin } from "./joined.js";

const main = document.querySelector("main[data-session]");
const id = main.dataset.session;
const sheet = document.getElementById("sheet");
const player = document.getElementById("player");
const said = document.getElementById("marks-said");
let picked = null;
let leadS = 0; // of a broadcast, before the player's beginning

if (player?.src.endsWith(".m3u8")) watchJoin(player, (lead) => (leadS = lead / 1000));

function say(text) {
  said.hidden = !text;
  said.textContent = text;
}

function timeText(seconds) {
  const ms = Math.max(0, Math.round(seconds * 1000));
  const part = (n, size = 2) => String(n).padStart(size, "0");
  return `${part(Math.floor(ms / 3600000))}:${part(Math.floor(ms / 60000) % 60)}:${part(Math.floor(ms / 1000) % 60)}.${part(ms % 1000, 3)}`;
}

function items() {
  return [...sheet.querySelectorAll("[data-mark]")].filter((item) => item.checkVisibility());
}

function pick(name, focus = true) {
  for (const item of sheet.querySelectorAll(".picked")) item.classList.remove("picked");
  const item = document.getElementById(name ?? "");
  picked = item ? name : null;
  item?.classList.add("picked");
  if (focus) {
    item?.focus({ preventScroll: true });
    item?.scrollIntoView({ block: "nearest" });
  }
}

function dress() {
  for (const buttons of sheet.querySelectorAll(".now-buttons")) buttons.hidden = !player;
  pick(picked, false);
}

async function refresh() {
  const open = document.getElementById("others")?.open;
  const typed = [...sheet.querySelectorAll("input:not([type=hidden])")].map((input) => [input.id, input.value]);
  const response = await fetch(`/host/s/${id}/marks/sheet`);
  if (response.status === 401) location.reload();
  if (!response.ok) return;
  sheet.innerHTML = await response.text();
  if (open) document.getElementById("others")?.setAttribute("open", "");
  for (const [name, value] of typed) {
    const input = document.getElementById(name);
    if (input) input.value = value;
  }
  dress();
}

async function send(action, body, form) {
  try {
    const response = await fetch(action, { method: "POST", body, redirect: "manual" });
    if (response.type === "opaqueredirect") {
      say("");
      form?.reset();
    } else {
      const page = new DOMParser().parseFromString(await response.text(), "text/html");
      say(page.querySelector("[data-error]")?.textContent ?? main.dataset.failed);
    }
    await refresh();
  } catch {
    say(main.dataset.lost);
  }
}

function keepNow(item, which) {
  const form = item?.querySelector("form.mark-form");
  if (!form || !player) return;
  const body = new URLSearchParams();
  for (const name of ["form_token", "question"]) body.set(name, form.elements[name].value);
  body.set(which, timeText(player.currentTime + leadS));
  send(form.action, body);
}

sheet.addEventListener("submit", (event) => {
  if (event.target.action.endsWith("/recut")) return;
  event.preventDefault();
  const form = event.target;
  const body = new URLSearchParams(new FormData(form, event.submitter));
  send(form.action, body, form);
});
sheet.addEventListener("click", (event) => {
  const button = event.target.closest("[data-now]");
  if (button) keepNow(button.closest("[data-mark]"), button.dataset.now);
});
sheet.addEventListener("focusin", (event) => {
  const item = event.target.closest("[data-mark]");
  if (item && item.id !== picked) pick(item.id, false);
});
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.target.closest?.("input, textarea, select")) return;
  const all = items();
  const place = all.findIndex((item) => item.id === picked);
  if (event.key === "j" && all.length) pick(all[Math.min(all.length - 1, place + 1)].id);
  else if (event.key === "k" && all.length) pick(all[Math.max(0, place - 1)].id);
  else if (event.key === "b") keepNow(document.getElementById(picked ?? all[0]?.id ?? ""), "begin");
  else if (event.key === "e") keepNow(document.getElementById(picked ?? all[0]?.id ?? ""), "end");
  else if (event.key === "p" && player) player.paused ? player.play() : player.pause();
  else if (event.key === "ArrowLeft" && player && event.target !== player) player.currentTime -= 5;
  else if (event.key === "ArrowRight" && player && event.target !== player) player.currentTime += 5;
  else return;
  event.preventDefault();
});
dress();
