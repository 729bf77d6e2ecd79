// Reading along: the words of a session beside its picture, and as captions in its player, while they are spoken.
// What arrives is documented in streamhub/web/captions.py. The server's HTML holds the last words; this makes them grow.

import { watchJoin } from "./joined.js";

const panel = document.getElementById("along");
const fold = document.getElementById("along-fold");
const box = document.getElementById("along-words");
const log = document.getElementById("along-log");
const nowSaid = document.getElementById("along-now");
const toEnd = document.getElementById("along-end");
const behind = document.getElementById("along-behind");
const KEY = "streamhub-along";

const cues = new Map(); // by id, in order of time
let version = null;
let clock = [];
let asking = false;
let newest = null; // the version told last; an older one may be on its way here meanwhile
let crowd = 1;
let following = true;
let track = null;
let lead = null; // milliseconds of the broadcast before the player's beginning, as soon as that is known

// hearWords(told, crowd): what an event says; what it follows on and is not known here is fetched.
export function hearWords(told, size) {
  [crowd, newest] = [size, told.version];
  if (told.since === version && version !== null) take(told);
  else fetchWords();
}

// fetchWords(): for whoever comes new, or comes back.
export function fetchWords(after = 0) {
  if (!panel || asking) return;
  asking = true;
  setTimeout(async () => {
    const last = [...cues.keys()].at(-1) ?? "";
    let answered = false;
    try {
      const path = `/api/v1/sessions/${panel.dataset.session}/captions?since=${encodeURIComponent(last)}`;
      const response = await fetch(path, { cache: "no-cache", credentials: "omit" });
      if (response.ok) replaceWords(await response.json());
      answered = response.ok;
    } catch {
      // the line is gone; when it is back, the page asks again
    }
    asking = false;
    const again = answered && newest !== null && newest !== version;
    newest = null; // asked for once: a hub that began anew has other versions
    if (again) fetchWords();
  }, after + (version === null ? 0 : Math.random() * 1000 * Math.max(1, crowd / 1000)));
}

function replaceWords(whole) {
  if (whole.version === version) return;
  const known = whole.since ? [...cues.keys()] : [];
  const place = known.indexOf(whole.since);
  const gone = place < 0 ? [...cues.keys()] : known.slice(place + 1);
  const kept = new Set(whole.cues.map((cue) => cue.id));
  if (version === null) log.replaceChildren(); // the server's HTML, which may be shortened
  take({ ...whole, gone: gone.filter((id) => !kept.has(id)) });
  document.getElementById("along-shortened")?.remove();
}

function take(told) {
  version = told.version;
  if (told.clock) moveClock(told.clock);
  seek();
  for (const id of told.gone ?? []) drop(id);
  let ordered = true;
  const last = [...cues.values()].at(-1);
  for (const cue of told.cues) {
    ordered &&= cues.has(cue.id) || !last || cue.start_ms >= last.start_ms;
    cues.set(cue.id, cue);
  }
  if (ordered) for (const cue of told.cues) show(cue);
  else rebuild();
  for (const cue of told.cues) addToTrack(cue);
  nowSaid.textContent = told.now?.text ?? "";
  behind.textContent = told.listening === "behind" ? panel.dataset.behind : "";
  if (cues.size || told.now) panel.hidden = false;
  if (following) scrollDown();
}

function drop(id) {
  cues.delete(id);
  const said = document.getElementById(`w-${id}`);
  const paragraph = said?.parentElement;
  said?.remove();
  if (paragraph && !paragraph.querySelector("span")) paragraph.remove();
  const old = track?.cues?.getCueById(id);
  if (old) track.removeCue(old);
}

function show(cue) {
  let said = document.getElementById(`w-${cue.id}`);
  if (!said) {
    if (cue.begins || !log.lastElementChild) log.append(beginParagraph(cue));
    said = Object.assign(document.createElement("span"), { id: `w-${cue.id}` });
    log.lastElementChild.append(" ", said);
  }
  if (said.textContent !== cue.text) said.textContent = cue.text;
}

function beginParagraph(cue) {
  const paragraph = document.createElement("p");
  paragraph.append(Object.assign(document.createElement("time"), { className: "at", textContent: formatClock(cue.start_ms) }));
  if (cue.speaker) paragraph.append(" ", Object.assign(document.createElement("b"), { textContent: `${cue.speaker}:` }));
  return paragraph;
}

function rebuild() {
  const sorted = [...cues.values()].sort((a, b) => a.start_ms - b.start_ms);
  cues.clear();
  log.replaceChildren();
  for (const cue of sorted) {
    cues.set(cue.id, cue);
    show(cue);
  }
}

function formatClock(ms) {
  const seconds = Math.floor(ms / 1000);
  const parts = [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60), seconds % 60];
  return (parts[0] ? parts : parts.slice(1)).map((n, place) => (place ? String(n).padStart(2, "0") : n)).join(":");
}

// Following: as long as the reader stands at the end, the text moves along; who scrolled up stays where he is.

function scrollDown() {
  box.scrollTop = box.scrollHeight;
}

box?.addEventListener("scroll", () => {
  following = box.scrollHeight - box.scrollTop - box.clientHeight < 40;
  toEnd.hidden = following;
});
toEnd?.addEventListener("click", () => {
  following = true;
  scrollDown();
  box.focus();
});

document.getElementById("along-speak")?.addEventListener("click", (event) => {
  const on = event.currentTarget.getAttribute("aria-pressed") !== "true";
  event.currentTarget.setAttribute("aria-pressed", String(on));
  log.setAttribute("aria-live", on ? "polite" : "off");
});

// Captions in the player. `clock` says how the time of the broadcast goes with the session's, `lead` where the player joined it.

function moveClock(fresh, joined = lead) {
  [clock, lead] = [fresh, joined];
  if (!track) return;
  for (const cue of [...(track.cues ?? [])]) track.removeCue(cue);
  for (const cue of cues.values()) addToTrack(cue);
}

function playerTime(ms) {
  const [from, at] = clock.findLast(([start]) => start <= ms) ?? clock[0];
  return (at + ms - from - lead) / 1000;
}

function addToTrack(cue) {
  if (!track || !clock.length || lead === null) return;
  const end = playerTime(cue.end_ms);
  if (end <= 0) return;
  const old = track.cues?.getCueById(cue.id);
  if (old) track.removeCue(old);
  const start = Math.max(0, playerTime(cue.start_ms));
  track.addCue(Object.assign(new VTTCue(start, Math.max(start + 0.001, end), cue.text), { id: cue.id }));
}

// attachTrack(): to the player that stands in the page now. The element's own track would be read once and never again.
export function attachTrack() {
  const video = document.querySelector("#stage video");
  if (!video || !panel || video.dataset.captioned) return;
  video.dataset.captioned = "yes";
  const mode = video.querySelector("track")?.track.mode;
  video.querySelector("track")?.remove();
  track = video.addTextTrack("captions", panel.dataset.track, box.lang);
  lead = null;
  watchJoin(video, (joined) => moveClock(clock, joined));
  track.mode = mode === "showing" ? "showing" : "hidden"; // a track that is disabled keeps no cues
  for (const cue of cues.values()) addToTrack(cue);
}

// A link such as #at-725000 leads to that session time in the picture.

let wanted = /^#at-(\d{1,9})$/.exec(location.hash)?.[1] ?? null;
function seek() {
  const video = document.querySelector("#stage video");
  if (wanted === null || !video || !clock.length) return;
  video.currentTime = Math.max(0, playerTime(Number(wanted))); // a player that cannot go back stays where it is
  video.scrollIntoView({ block: "center" });
  wanted = null;
}
addEventListener("hashchange", () => {
  wanted = /^#at-(\d{1,9})$/.exec(location.hash)?.[1] ?? null;
  seek();
});

if (fold) {
  fold.open = localStorage.getItem(KEY) !== "folded";
  fold.addEventListener("toggle", () => {
    localStorage.setItem(KEY, fold.open ? "open" : "folded");
    if (fold.open && following) scrollDown();
  });
}
