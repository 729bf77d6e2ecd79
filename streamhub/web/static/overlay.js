// The overlay: draws the question that is on air, for hours. It listens, looks by itself when the line is silent,
// holds the last question while the line is gone (or hides it after `hide` seconds), and says when a question was drawn.

const body = document.body;
const { session, key } = body.dataset;
const card = document.getElementById("card");
const text = document.getElementById("text");
const label = document.getElementById("label");
const asker = document.getElementById("asker");
const words = document.querySelector(".label").dataset;
const wishes = new URLSearchParams(location.search);
const address = (what) => `/overlay/${encodeURIComponent(session)}/${what}?key=${encodeURIComponent(key)}`;

const LOOK_MS = 10000;
const SMALLEST_PX = 12;

// Only these may be set by the address, and only to values of these shapes.
const ALLOWED = {
  ink: [/^[0-9a-f]{3,8}$/i, (value) => ["--overlay-ink", `#${value}`]],
  paper: [/^[0-9a-f]{3,8}$/i, (value) => ["--overlay-paper", `#${value}`]],
  accent: [/^[0-9a-f]{3,8}$/i, (value) => ["--overlay-accent", `#${value}`]],
  radius: [/^(\d|[1-9]\d)$/, (value) => ["--overlay-radius", `${value}px`]],
};
for (const [name, [shape, make]] of Object.entries(ALLOWED)) {
  const value = wishes.get(name);
  if (value && shape.test(value)) document.documentElement.style.setProperty(...make(value));
}
if (["top", "center", "bottom"].includes(wishes.get("pos"))) body.dataset.pos = wishes.get("pos");
if (["left", "center", "right"].includes(wishes.get("align"))) body.dataset.align = wishes.get("align");
const sizeWish = Number(wishes.get("size"));
const scale = sizeWish >= 50 && sizeWish <= 200 ? sizeWish / 100 : 1;
const hideAfterMs = /^\d{1,5}$/.test(wishes.get("hide") ?? "") ? Number(wishes.get("hide")) * 1000 : Infinity;
const sample = wishes.get("sample") === "1" ? document.getElementById("sample").textContent : "";

let wanted = null; // what the hub says
let drawn = null; // what stands in the card
let heardMs = performance.now();
let lost = false;
let changing = null;

function fits() {
  return card.scrollHeight <= card.clientHeight + 1 && card.scrollWidth <= card.clientWidth + 1;
}

// The largest size at which everything fits; found unseen, so that nothing jumps.
function fit() {
  const largest = Math.max(SMALLEST_PX, Math.round(Math.min(innerWidth, innerHeight) * 0.05 * scale));
  let [low, high] = [SMALLEST_PX, largest];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    card.style.fontSize = `${middle}px`;
    if (fits()) low = middle;
    else high = middle - 1;
  }
  card.style.fontSize = `${low}px`;
}

function fill(shown) {
  card.classList.add("measuring");
  card.hidden = false;
  text.textContent = shown.text;
  text.lang = shown.language;
  label.textContent = shown.asker ? words.from : words.anonymous;
  asker.textContent = shown.asker;
  fit();
  card.classList.remove("measuring");
}

function animated(phase) {
  card.dataset.phase = phase;
  const running = card.getAnimations().filter((one) => one instanceof CSSAnimation);
  const slowest = new Promise((resolve) => setTimeout(resolve, 3000)); // a hidden source runs no animation
  return Promise.race([Promise.allSettled(running.map((one) => one.finished)), slowest]);
}

const nameOf = (shown) => (shown ? `${shown.id} ${shown.since}` : "");

function goal() {
  const away = lost && performance.now() - heardMs > hideAfterMs;
  if (away) return null;
  return wanted ?? (sample ? { id: "", since: "", text: sample, asker: "", language: document.documentElement.lang } : null);
}

// One change at a time; whatever came meanwhile is looked at afterwards.
async function draw() {
  if (changing) return;
  changing = true;
  for (let next = goal(); nameOf(next) !== nameOf(drawn) || !next !== !drawn || next?.text !== drawn?.text || next?.asker !== drawn?.asker; next = goal()) {
    if (drawn && nameOf(next) !== nameOf(drawn)) {
      await animated("exit");
      card.hidden = true;
      card.dataset.phase = "gone";
      drawn = null;
    } else if (next) {
      const fresh = !drawn;
      fill(next);
      drawn = next;
      if (fresh) {
        const entered = animated("enter");
        sayShown(next);
        await entered;
        card.dataset.phase = "shown";
      }
    } else drawn = null;
  }
  changing = false;
}

function painted() {
  return new Promise((resolve) => {
    const look = () =>
      document.visibilityState === "visible" ? requestAnimationFrame(() => requestAnimationFrame(resolve)) : setTimeout(look, 250);
    look();
  });
}

async function sayShown(shown) {
  if (!shown.id || body.dataset.witness !== "yes") return;
  await painted();
  for (const waitMs of [500, 2000, 8000, 0]) {
    if (nameOf(wanted) !== nameOf(shown)) return;
    try {
      const response = await fetch(address("shown"), {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ question: shown.id, since: shown.since }),
        signal: AbortSignal.timeout(8000),
      });
      if (response.status < 500 && response.status !== 429) return;
    } catch {
      // The line is gone; the host's own mark stands.
    }
    await new Promise((resolve) => setTimeout(resolve, waitMs));
  }
}

function take(state) {
  heardMs = performance.now();
  lost = false;
  if ("on_air" in state) wanted = state.revoked ? null : state.on_air;
  draw();
}

let source = null;
function listen() {
  source?.close();
  source = new EventSource(address("events"));
  for (const name of ["state", "diff"]) source.addEventListener(name, (event) => take(JSON.parse(event.data)));
  source.addEventListener("open", () => take({}));
  source.addEventListener("error", () => (lost = true));
}

// A line can die without a word; so look now and then, and begin to listen anew where listening missed something.
async function look() {
  try {
    const response = await fetch(address("state"), { signal: AbortSignal.timeout(8000), cache: "no-store" });
    if (response.status === 404) {
      wanted = null;
      heardMs = performance.now();
      source?.close();
    } else if (response.ok) {
      const state = await response.json();
      const missed = nameOf(state.on_air) !== nameOf(wanted);
      take(state);
      if (missed || source.readyState === EventSource.CLOSED) listen();
    } else lost = true;
  } catch {
    lost = true;
  }
  draw();
  setTimeout(look, lost ? 2000 : LOOK_MS);
}

addEventListener("resize", () => drawn && card.dataset.phase === "shown" && fit());
setInterval(draw, 1000);
listen();
setTimeout(look, LOOK_MS);
draw();
