// The stage view: fetches its board anew when something changed and every ten seconds, ticks its clocks, and knows one
// key, g: the producer's note was seen.

import { released } from "./pressing.js";

const stage = document.getElementById("stage");
const lost = document.getElementById("lost");
const id = stage.dataset.session;
let offsetMs = 0;
let fetchedMs = performance.now();
let noteId = stage.querySelector("[data-note]")?.dataset.note;

function clockText(seconds) {
  const parts = [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60), seconds % 60];
  return (parts[0] ? parts : parts.slice(1)).map((n, place) => (place ? String(n).padStart(2, "0") : n)).join(":");
}

function tick() {
  const now = Date.now() + offsetMs;
  const clock = document.getElementById("clock");
  clock.textContent = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit", timeZone: clock.dataset.zone }).format(now);
  for (const element of stage.querySelectorAll("[data-since]"))
    element.textContent = clockText(Math.max(0, Math.floor((now - new Date(element.dataset.since)) / 1000)));
  for (const element of stage.querySelectorAll("[data-left]")) {
    const leftS = Math.floor((Number(element.dataset.left) - (performance.now() - fetchedMs)) / 1000);
    element.classList.toggle("over", leftS < 0);
    element.textContent = leftS < 0 ? `${element.dataset.over} ${clockText(-leftS)}` : `${clockText(leftS)} ${element.dataset.rest}`;
  }
}

function syncClock() {
  offsetMs = new Date(document.getElementById("stage-head").dataset.now) - Date.now();
  fetchedMs = performance.now();
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
    const response = await fetch(`/host/s/${id}/stage/board`, { signal: AbortSignal.timeout(8000) });
    if (response.status === 401) location.reload();
    if (response.ok) {
      const html = await response.text();
      await released();
      const focused = stage.contains(document.activeElement);
      stage.innerHTML = html;
      const note = stage.querySelector("[data-note]");
      note?.classList.toggle("fresh", note.dataset.note !== "" && note.dataset.note !== noteId);
      noteId = note?.dataset.note;
      if (focused) stage.querySelector("button")?.focus({ preventScroll: true });
      syncClock();
      tick();
    }
    lost.hidden = response.ok;
  } catch {
    lost.hidden = false;
  }
  setTimeout(() => {
    fetching = false;
    if (again) {
      again = false;
      refresh();
    }
  }, 250);
}

async function send(form) {
  try {
    await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)), redirect: "manual" });
  } catch {
    lost.hidden = false;
  }
  refresh();
}

stage.addEventListener("submit", (event) => {
  event.preventDefault();
  send(event.target);
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "g" || event.ctrlKey || event.altKey || event.metaKey) return;
  stage.querySelector('[data-key="g"]')?.click();
});

function listen() {
  const source = new EventSource(`/api/v1/host/sessions/${id}/events`);
  source.addEventListener("state", refresh);
  source.addEventListener("diff", (event) => {
    if (Object.keys(JSON.parse(event.data)).some((name) => ["session", "questions", "show"].includes(name))) refresh();
  });
  source.addEventListener("error", () => {
    if (source.readyState === EventSource.CLOSED) setTimeout(listen, 3000);
  });
}

syncClock();
tick();
setInterval(tick, 500);
setInterval(refresh, 10000);
listen();
