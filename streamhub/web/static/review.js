// The review: plays from any word, moves edges by pointer and keys, and sends what the page's forms would send.
// List and answer are the server's HTML; the player goes on playing. Corrections are sent one after the other, each
// with what its author saw, so that nobody overwrites anybody; what could not be sent is sent again.

const main = document.querySelector("main[data-session]");
const words = main.dataset;
const at = `/host/s/${words.session}/review`;
const list = document.getElementById("review-list");
const place = document.getElementById("review-answer");
const player = document.getElementById("player");
const said = document.getElementById("review-said");
const saved = document.getElementById("saved");
const help = document.getElementById("help");
let cursor = null; // the word that keys work on: played or clicked last
let grabbed = null; // the edge that is being dragged
let stopAt = null;

function say(text) {
  said.hidden = !text;
  said.textContent = text;
}

// The server's HTML.

function exchange(html) {
  const page = new DOMParser().parseFromString(html, "text/html");
  const fresh = page.getElementById("review-answer");
  if (!fresh) return false;
  const open = [...document.querySelectorAll("#review-list details[open], #review-answer details[open]")].map((one) => one.id);
  const same = answerId() === fresh.querySelector("[data-answer]")?.dataset.answer;
  const ms = cursor?.dataset.s;
  const focus = document.activeElement?.dataset?.edge ? { ...document.activeElement.dataset } : null;
  list.replaceChildren(...page.getElementById("review-list").childNodes);
  place.replaceChildren(...fresh.childNodes);
  for (const id of same ? open.filter(Boolean) : ["made"].filter((id) => open.includes(id))) document.getElementById(id)?.setAttribute("open", "");
  mark(same ? wordAt(ms) : null);
  putAgain();
  if (same && focus) edgeOf(focus.edge, focus.number)?.focus({ preventScroll: true });
  if (!same) arrive();
  return true;
}

function answerId() {
  return place.querySelector("section.answer")?.dataset.answer ?? "";
}

// Another answer is shown: its beginning is where playing begins.
function arrive() {
  history.replaceState(null, "", `${at}?answer=${answerId()}`);
  const first = place.querySelector(".w.in");
  mark(first);
  if (first && player) player.currentTime = first.dataset.m / 1000;
  const chosen = list.querySelector(".chosen");
  if (innerWidth >= 1024) chosen?.scrollIntoView({ block: "nearest" });
  document.getElementById("answer-title")?.focus({ preventScroll: true });
  if (innerWidth < 1024) document.getElementById("answer")?.scrollIntoView({ block: "start" });
  else showEdge();
}

// The page stands so that decision and beginning are both in sight.
function showEdge() {
  scrollTo({ top: 0 });
  place.querySelector(".edge")?.scrollIntoView({ block: "nearest" });
}

async function show(query) {
  try {
    const response = await fetch(`${at}/sheet?${query}`);
    if (response.status === 401) return say(words.signedOut);
    if (exchange(await letGo(await response.text()))) say("");
  } catch {
    say(words.lost);
  }
}

// Nothing is exchanged while somebody holds an edge.
async function letGo(html) {
  while (grabbed) await pause(50);
  return html;
}

// Sending, one after the other: fields are read when their turn comes, and a refusal drops what waits behind it, for
// its author has not seen what stands there now.

let queue = Promise.resolve();
let waiting = 0;
let failures = 0;
let refusals = 0;
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

function send(read) {
  const before = refusals;
  waiting += 1;
  saved.textContent = words.saving;
  queue = queue
    .then(() => (before === refusals ? read() : null))
    .then((fields) => fields && post(fields))
    .finally(() => {
      waiting -= 1;
      if (!waiting && !keeping && said.hidden && !place.querySelector("[data-error]")) saved.textContent = words.saved;
    });
}

async function post(fields) {
  fields.set("sheet", "1");
  for (;;) {
    try {
      const response = await fetch(at, { method: "POST", body: fields });
      failures = 0;
      if (response.status === 401) {
        say(words.signedOut);
        await pause(5000);
        continue;
      }
      const taken = exchange(await letGo(await response.text()));
      if (!response.ok) refusals += 1;
      say(taken ? "" : words.failed);
      const error = place.querySelector("[data-error]");
      if (error) {
        saved.textContent = "";
        error.closest(".notice").focus();
      }
      return;
    } catch {
      failures += 1;
      say(words.lost);
      await pause(Math.min(10000, 500 * 2 ** failures));
    }
  }
}

function fieldsOf(form, button) {
  const fields = new URLSearchParams(new FormData(form));
  if (button?.name) fields.set(button.name, button.value);
  return fields;
}

// What stands there by now, after one's own corrections that were sent before.
function seeNow(fields) {
  const seen = place.querySelector("#decide [name=seen]");
  if (seen && fields.get("answer") === answerId() && !fields.get("cue")) fields.set("seen", seen.value);
  return fields;
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.closest("#review-list, #review-answer")) return;
  event.preventDefault();
  if (form.method === "get") return show(new URLSearchParams(new FormData(form)));
  keepNow();
  const fields = fieldsOf(form, event.submitter);
  const behind = waiting > 0;
  send(() => (behind && fields.has("seen") ? seeNow(fields) : fields));
});

// Autosave: a time that was typed is kept when its field is left.
place.addEventListener("change", (event) => {
  const form = event.target.closest("form.stretch");
  if (!form || !/^(begin|end)$/.test(event.target.name)) return;
  const { begin, end } = form.elements;
  if (begin.value.trim() && end.value.trim()) form.requestSubmit(form.querySelector("[value=edges]"));
});

document.addEventListener("click", (event) => {
  if (event.ctrlKey || event.metaKey) return;
  const link = event.target.closest("#review-list a[data-answer], #review-answer a[data-answer], a[data-fix], a[data-more], a[data-play]");
  const word = event.target.closest(".w");
  if (event.target.closest("[data-close-dialog]")) event.target.closest("dialog").close();
  if (word) {
    mark(word);
    play(word.dataset.m);
  }
  if (!link) return;
  event.preventDefault();
  if (link.dataset.play) {
    mark(link.closest(".line").querySelector(".w"));
    play(link.dataset.play);
  } else if (link.dataset.fix) fix(link.dataset.fix);
  else show(new URL(link.href).searchParams);
});

async function fix(cue) {
  player?.pause();
  await show(`answer=${answerId()}&cue=${cue}${look()}`);
  document.getElementById("fix-text")?.focus();
}

function look() {
  const more = /more=(\d+)/.exec(place.querySelector("[data-more]")?.search ?? "");
  return more && Number(more[1]) > 1 ? `&more=${Number(more[1]) - 1}` : "";
}

// Playing.

function play(ms, until = null) {
  if (!player) return;
  stopAt = until;
  player.currentTime = ms / 1000;
  player.play()?.catch(() => {});
}

function mark(word) {
  for (const one of place.querySelectorAll(".now")) one.classList.remove("now");
  cursor = word ?? null;
  cursor?.classList.add("now");
}

function allWords() {
  return [...place.querySelectorAll(".w")];
}

player?.addEventListener("timeupdate", () => {
  const ms = player.currentTime * 1000;
  if (stopAt !== null && ms >= stopAt) {
    stopAt = null;
    player.pause();
  }
  if (player.paused) return;
  const played = allWords().findLast((word) => Number(word.dataset.m) <= ms + 60);
  if (played && played !== cursor) {
    mark(played);
    played.scrollIntoView({ block: "nearest" });
  }
});

function stretch() {
  const forms = [...place.querySelectorAll("form.stretch")];
  const ms = Number(cursor?.dataset.m ?? -1);
  return forms.find((form) => Number(form.dataset.start) <= ms && ms < Number(form.dataset.end)) ?? forms.findLast((form) => Number(form.dataset.start) <= ms) ?? forms[0];
}

function playEdge(which) {
  const form = stretch();
  if (!form || form.dataset.number === "new") return;
  const [start, end] = [Number(form.dataset.start), Number(form.dataset.end)];
  if (which === "begin") play(start);
  else play(Math.max(start, end - 5000), end);
}

// Edges.

function step(word, by, bySentence) {
  const all = allWords();
  let number = all.indexOf(word);
  do number += by;
  while (bySentence && number > 0 && number < all.length && !all[number].classList.contains("s"));
  return all[Math.max(0, Math.min(all.length - 1, number))];
}

// The last word of the sentence that a word is in.
function sentenceEnd(word) {
  const all = allWords();
  let number = all.indexOf(word);
  while (number + 1 < all.length && !all[number + 1].classList.contains("s")) number += 1;
  return all[number];
}

function sentenceStart(word) {
  const all = allWords();
  let number = all.indexOf(word);
  while (number > 0 && !all[number].classList.contains("s")) number -= 1;
  return all[number];
}

function nextTo(edge) {
  const line = edge.dataset.edge === "begin" ? "nextElementSibling" : "previousElementSibling";
  let word = edge[line];
  while (word && !word.classList.contains("w")) word = word[line];
  return word;
}

function put(edge, word) {
  if (edge.dataset.edge === "begin") word.before(edge);
  else word.after(edge);
  edge.setAttribute("aria-valuenow", Math.round((edge.dataset.edge === "begin" ? word.dataset.s : word.dataset.e) / 1000));
  edge.setAttribute("aria-valuetext", word.textContent);
  colour();
}

function colour() {
  let inside = false;
  for (const one of place.querySelectorAll(".w, .edge")) {
    if (one.classList.contains("edge")) inside = one.dataset.edge === "begin";
    else one.classList.toggle("in", inside);
  }
}

// An edge that was moved and not sent yet; it is named and not held, for the page may be exchanged meanwhile.
let keeping = 0;
let unkept = null;
function keepEdge(edge, delay_ms) {
  const moved = { answer: answerId(), number: edge.dataset.number, which: edge.dataset.edge, word: nextTo(edge)?.dataset.s };
  if (unkept && (unkept.number !== moved.number || unkept.which !== moved.which)) keepNow();
  clearTimeout(keeping);
  saved.textContent = words.saving;
  unkept = moved;
  keeping = setTimeout(keepNow, delay_ms);
}

function keepNow() {
  clearTimeout(keeping);
  keeping = 0;
  const moved = unkept;
  unkept = null;
  const word = moved?.answer === answerId() && wordAt(moved.word);
  if (word) setEdge(moved.number, moved.which, word);
}

function putAgain() {
  const edge = unkept?.answer === answerId() && edgeOf(unkept.which, unkept.number);
  const word = edge && wordAt(unkept.word);
  if (word) put(edge, word);
}

function wordAt(ms) {
  return ms ? place.querySelector(`.w[data-s="${ms}"]`) : null;
}

function edgeOf(which, number) {
  return place.querySelector(`.edge[data-edge="${which}"][data-number="${number}"]`);
}

function setEdge(number, which, word) {
  const form = place.querySelector(`form.stretch[data-number="${number}"]`);
  if (!form) return;
  const { s, e, m } = word.dataset;
  const id = answerId();
  if (number === "new") {
    form.elements[which].value = clock(which === "begin" ? m : Number(m) + Number(e) - Number(s));
    form.dataset[which] = which === "begin" ? s : e;
    if (!form.dataset.begin || !form.dataset.end) return;
  }
  const both = { ...form.dataset };
  send(() => {
    const now = answerId() === id && place.querySelector(`form.stretch[data-number="${number}"]`);
    if (!now) return null;
    const fields = fieldsOf(now, now.querySelector("[value=edges]"));
    if (number === "new" || which === "begin") fields.set("begin_ms", number === "new" ? both.begin : s);
    if (number === "new" || which === "end") fields.set("end_ms", number === "new" ? both.end : e);
    return fields;
  });
}

function clock(ms) {
  const part = (n, size = 2) => String(n).padStart(size, "0");
  const whole = Math.round(Number(ms));
  return `${part(Math.floor(whole / 3600000))}:${part(Math.floor(whole / 60000) % 60)}:${part(Math.floor(whole / 1000) % 60)}.${part(whole % 1000, 3)}`;
}

// Where a key or a pointer may take an edge: sentence edges, or any word's, and never past its other end.
function reach(edge, word, exact) {
  const begin = edge.dataset.edge === "begin";
  const wanted = exact ? word : begin ? sentenceStart(word) : sentenceEnd(word);
  const other = edgeOf(begin ? "end" : "begin", edge.dataset.number);
  const limit = other && nextTo(other);
  if (limit && (begin ? Number(wanted.dataset.s) > Number(limit.dataset.s) : Number(wanted.dataset.s) < Number(limit.dataset.s))) return null;
  return wanted;
}

place.addEventListener("pointerdown", (event) => {
  const edge = event.target.closest(".edge");
  if (!edge || event.button) return;
  event.preventDefault();
  edge.focus({ preventScroll: true });
  edge.setPointerCapture(event.pointerId);
  grabbed = { edge, from: nextTo(edge) };
  edge.classList.add("moving");
});
place.addEventListener("pointermove", (event) => {
  if (!grabbed) return;
  const under = document.elementsFromPoint(event.clientX, event.clientY).find((one) => one.classList.contains("w"));
  const word = under && place.contains(under) && reach(grabbed.edge, under, event.shiftKey);
  if (word && word !== nextTo(grabbed.edge)) put(grabbed.edge, word);
  if (event.clientY > innerHeight - 60) scrollBy(0, 14);
  if (event.clientY < 60) scrollBy(0, -14);
});
function drop(event) {
  if (!grabbed) return;
  const { edge, from } = grabbed;
  grabbed = null;
  edge.classList.remove("moving");
  if (event.type === "pointercancel") put(edge, from);
  else if (nextTo(edge) !== from) keepEdge(edge, 0);
}
place.addEventListener("pointerup", drop);
place.addEventListener("pointercancel", drop);

function nudge(edge, by, exact) {
  const word = nextTo(edge);
  if (!word) return;
  let wanted;
  if (edge.dataset.edge === "begin") wanted = step(word, by, !exact);
  else if (exact) wanted = step(word, by, false);
  else if (by > 0) wanted = sentenceEnd(step(word, 1, false));
  else wanted = step(sentenceStart(word), -1, false);
  wanted = wanted && reach(edge, wanted, exact);
  if (!wanted || wanted === word) return;
  put(edge, wanted);
  edge.focus({ preventScroll: true });
  edge.scrollIntoView({ block: "nearest" });
  keepEdge(edge, 700);
}

function grab(which) {
  const number = stretch()?.dataset.number;
  const edge = edgeOf(which, number) ?? place.querySelector(`.edge.${which}`);
  edge?.focus({ preventScroll: true });
  edge?.scrollIntoView({ block: "center" });
}

// Keys.

function press(key) {
  place.querySelector(`#decide [data-key="${key}"]`)?.click();
}

function move(by) {
  const all = [...list.querySelectorAll("a[data-answer]")];
  const number = all.findIndex((link) => link.dataset.answer === answerId());
  const next = all[number < 0 ? 0 : number + by];
  if (next) show(`answer=${next.dataset.answer}`);
}

function nextUnsure() {
  const all = [...list.querySelectorAll("[data-unsure] a")];
  const number = all.findIndex((link) => link.dataset.answer === answerId());
  const next = all[(number + 1) % all.length];
  if (next) show(`answer=${next.dataset.answer}`);
}

function walk(by, exact) {
  const word = cursor ?? place.querySelector(".w.in") ?? place.querySelector(".w");
  if (!word) return;
  const wanted = step(word, by, !exact);
  mark(wanted);
  wanted.scrollIntoView({ block: "nearest" });
  stopAt = null;
  if (player) player.currentTime = wanted.dataset.m / 1000;
}

function split() {
  const form = stretch();
  if (!cursor || !form || form.dataset.number === "new") return;
  const fields = fieldsOf(form, form.querySelector("[value=split]"));
  fields.delete("at");
  fields.set("at_ms", cursor.dataset.s);
  send(() => seeNow(fields));
}

const KEYS = {
  a: () => press("a"),
  A: () => press("A"),
  n: nextUnsure,
  j: () => move(1),
  k: () => move(-1),
  p: () => player && (player.paused ? player.play() : player.pause()),
  " ": () => KEYS.p(),
  1: () => playEdge("begin"),
  2: () => playEdge("end"),
  b: () => cursor && setEdge(stretch()?.dataset.number, "begin", cursor),
  e: () => cursor && setEdge(stretch()?.dataset.number, "end", cursor),
  "[": () => grab("begin"),
  "]": () => grab("end"),
  x: split,
  f: () => cursor && fix(cursor.closest(".line").dataset.cue),
  u: () => list.querySelector("[data-mine]")?.click(),
  "?": () => help.showModal(),
};

document.addEventListener("keydown", (event) => {
  if (event.isComposing || help.open) return;
  const target = event.target;
  if (target.closest?.("input:not([type=checkbox]), textarea, select")) {
    if (event.key === "Escape" && target.closest(".fixing")) show(`answer=${answerId()}${look()}`);
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && target.id === "fix-text") target.form.requestSubmit(target.form.querySelector("[value=words]"));
    return;
  }
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  const edge = target.closest?.(".edge");
  if (by && edge) nudge(edge, by, event.shiftKey);
  else if (by && target !== player) walk(by, event.shiftKey);
  else if (event.key === " " && target.closest?.("button, summary, a, video")) return;
  else if (KEYS[event.key]) KEYS[event.key]();
  else return;
  event.preventDefault();
});

// What others do: looked at every few seconds; nothing is exchanged under somebody's hands.
async function watch() {
  try {
    const unsent = [...place.querySelectorAll("textarea")].some((one) => one.value !== one.defaultValue);
    const busy = unsent || waiting || keeping || grabbed || help.open || /^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement?.tagName);
    if (document.visibilityState !== "visible" || busy) return;
    const response = await fetch(`${at}/latest`);
    if (!response.ok) return;
    const { latest } = await response.json();
    const shown = list.querySelector("[data-latest]")?.dataset.latest;
    if (latest !== shown && !waiting && !keeping && !grabbed) await show(`answer=${answerId()}${look()}`);
  } catch {
    // the next round tells
  } finally {
    setTimeout(watch, 4000);
  }
}

addEventListener("beforeunload", (event) => {
  if (waiting || keeping) event.preventDefault();
});
document.getElementById("show-help").addEventListener("click", () => help.showModal());
document.documentElement.classList.add("scripted-on");
mark(place.querySelector(".w.in"));
player?.addEventListener("loadedmetadata", () => cursor && !player.currentTime && (player.currentTime = cursor.dataset.m / 1000), { once: true });
setTimeout(watch, 4000);
