// The audience's page, kept fresh by server-sent events. Without this script everything works by forms.
// State and diffs are documented in streamhub/web/events.py.

import { attachTrack, fetchWords, hearWords } from "./along.js";
import { dropDraft, keepDraft, shrinkPhoto, solvePuzzle } from "./ask.js";
import { follow } from "./live.js";
import { addLocalTimes, tickCountdown } from "./times.js";

const main = document.querySelector("main[data-session]");
const id = main.dataset.session;
const list = document.getElementById("questions");
const template = document.getElementById("question-template").content.firstElementChild;
const connection = document.getElementById("connection");
const HEAD_FRESH_MS = 2000; // the hub keeps a page's head for one second, and those between us for another
let phaseState = null;
let staleTimer = null;
let crowd = 1; // how many watch, roughly: a large crowd fetches what changed a little later, so that the hub can keep up

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function showQuestion(question) {
  let item = document.getElementById(`q-${question.id}`);
  if (!item) {
    item = template.cloneNode(true);
    item.id = `q-${question.id}`;
    item.dataset.id = question.id;
    item.querySelector("form").action = `/s/${id}/questions/${question.id}/vote`;
    item.querySelector(".more").href = `/s/${id}/q/${question.id}`;
    list.append(item);
  }
  item.dataset.votes = question.votes;
  item.dataset.asked = question.asked_at;
  item.dataset.state = question.state;
  setText(item.querySelector(".count"), String(question.votes));
  item.querySelector("button").disabled = !question.votable;
  const text = item.querySelector(".text");
  text.lang = question.language;
  setText(text, question.text);
  showPhoto(item.querySelector(".photo"), question.photo);
  setText(item.querySelector(".asker"), question.asker);
  setText(item.querySelector(".source"), question.from_chat ? list.dataset.labelChat : "");
  setText(item.querySelector(".state"), list.getAttribute(`data-label-${question.state}`) ?? "");
  showTold(item, question.told ?? Number(item.querySelector(".stories").dataset.told));
  document.dispatchEvent(new CustomEvent("question-seen", { detail: question }));
}

// How many tell their own case stands there at once; what they tell is fetched when somebody unfolds it.
function showTold(item, told) {
  const fold = item.querySelector(".stories");
  if (Number(fold.dataset.told) === told) return;
  fold.dataset.told = told;
  fold.dataset.stale = "yes";
  fold.hidden = told === 0;
  setText(fold.querySelector("summary"), told === 1 ? list.dataset.toldOne : list.dataset.toldMany.replace("{}", told));
  if (fold.open) setTimeout(() => readStories(item), Math.random() * 1500 * Math.max(1, crowd / 1000));
}

async function readStories(item) {
  const fold = item.querySelector(".stories");
  if (!fold.dataset.stale) return;
  delete fold.dataset.stale;
  try {
    const { stories } = await read(await fetch(`/api/v1/questions/${item.dataset.id}`));
    fold.querySelector("ul").replaceChildren(...stories.map(renderStory));
  } catch {
    fold.dataset.stale = "yes"; // the line is gone: unfolding it again tries again
  }
}

function renderStory({ text, language, name, role }) {
  const line = document.createElement("li");
  const words = Object.assign(document.createElement("p"), { className: "text", lang: language, textContent: text });
  const meta = Object.assign(document.createElement("p"), { className: "meta" });
  meta.append(Object.assign(document.createElement("span"), { className: "who", textContent: name || list.dataset.nameless }));
  if (role) {
    const said = list.getAttribute(`data-role-${role}`);
    meta.append(" ", Object.assign(document.createElement("span"), { className: `role ${role}`, textContent: said }));
  }
  line.append(words, meta);
  return line;
}

// The fold tells nobody above it that it was opened, so its event is caught on its way down.
list.addEventListener("toggle", (event) => {
  if (event.target.matches?.(".stories") && event.target.open) readStories(event.target.closest("li.question"));
}, true);

function showPhoto(place, path) {
  place.hidden = !path;
  if (!path || place.firstElementChild) return;
  const link = document.createElement("a");
  const image = document.createElement("img");
  Object.assign(image, { src: path, alt: list.dataset.labelPhoto, loading: "lazy" });
  link.href = path;
  link.append(image);
  place.append(link);
}

function sortQuestions() {
  const items = [...list.children];
  const rank = (item) => (item.dataset.state === "on_air" ? 0 : 1);
  const order = (a, b) =>
    rank(a) - rank(b) || b.dataset.votes - a.dataset.votes ||
    (a.dataset.asked < b.dataset.asked ? -1 : a.dataset.asked > b.dataset.asked ? 1 : a.dataset.id < b.dataset.id ? -1 : 1);
  const wanted = [...items].sort(order);
  if (wanted.some((item, place) => item !== items[place])) {
    const focused = document.activeElement;
    list.append(...wanted);
    if (focused && list.contains(focused)) focused.focus({ preventScroll: true });
  }
  setText(document.getElementById("question-count"), String(items.length));
  document.getElementById("no-questions").hidden = items.length > 0;
}

function showOnAir(question) {
  const air = document.getElementById("on-air");
  air.hidden = !question;
  if (!question) return;
  const text = air.querySelector(".text");
  text.lang = question.language;
  setText(text, question.text);
  setText(air.querySelector(".asker"), question.asker);
}

const state = { on_air: null, questions: {} };

function apply(change, whole) {
  if (whole) {
    for (const gone of Object.keys(state.questions)) if (!(gone in change.questions)) drop(gone);
    for (const item of [...list.children]) if (!(item.dataset.id in change.questions)) item.remove();
  }
  for (const [key, question] of Object.entries(change.questions ?? {})) {
    if (question === null) drop(key);
    else {
      state.questions[key] = question;
      showQuestion(question);
    }
  }
  for (const [key, counts] of Object.entries(change.counts ?? {})) {
    if (key in state.questions) showQuestion(Object.assign(state.questions[key], counts));
  }
  if ("on_air" in change) state.on_air = change.on_air;
  if (change.questions || "on_air" in change) showOnAir(state.questions[state.on_air] ?? null);
  sortQuestions();
  if ("crowd" in change) crowd = change.crowd;
  if (change.session) noticeSession(change);
  else if (("answers" in change || "watch" in change) && !whole) refreshStage(HEAD_FRESH_MS);
}

function drop(key) {
  delete state.questions[key];
  document.getElementById(`q-${key}`)?.remove();
}

function noticeSession(change) {
  const now = change.session.state;
  const first = phaseState === null;
  const changed = !first && phaseState !== now;
  phaseState = now;
  const accepts = document.getElementById("ask-form") !== null;
  if (changed || accepts !== change.session.accepts_questions) refreshStage();
}

// The page's head changes a few times in a session's life: then it is fetched anew, a little later for some than for
// others, and everything that somebody may be typing into stays as it is.
function refreshStage(after = 0) {
  setTimeout(async () => {
    const html = await fetchHead();
    if (html) exchangeStage(new DOMParser().parseFromString(html, "text/html"));
    else refreshStage(5000); // the line is gone, or the hub has too much to do: later again
  }, after + Math.random() * 1500 * Math.max(1, crowd / 1000));
}

async function fetchHead() {
  try {
    const response = await fetch(`/s/${id}/head`, { headers: { Accept: "text/html" } });
    return response.ok ? await response.text() : "";
  } catch {
    return "";
  }
}

function exchangeStage(fresh) {
  const stage = fresh.getElementById("stage");
  const playing = document.querySelector("#stage video");
  if (!playing || !stage.querySelector("video")) document.getElementById("stage").replaceWith(stage);
  document.body.className = fresh.body.className;
  refreshAsk(fresh.getElementById("ask"));
  addLocalTimes();
  attachTrack();
  awaitPicture();
  if (phaseState !== null && stage.dataset.state !== phaseState) refreshStaleStage();
}

// The hub makes a head once a second for all, so what came may be from just before what the page was told.
function refreshStaleStage() {
  staleTimer ??= setTimeout(() => {
    staleTimer = null;
    refreshStage();
  }, HEAD_FRESH_MS);
}

// The form comes and goes with the session and its deadline; one that somebody may be typing into is never exchanged.
function refreshAsk(fresh) {
  const own = document.getElementById("ask");
  if (!fresh) own?.remove();
  else if (!own) document.querySelector(".questions").before(fresh);
  else if (!own.querySelector("form")) own.replaceWith(fresh);
  else if (!fresh.querySelector("form")) {
    own.querySelector(".deadline")?.replaceWith(fresh.querySelector(".deadline"));
    own.querySelector("button.primary").disabled = true;
    return;
  } else return;
  takeForm();
}

// On air without a picture: the first seconds of the stream are still being written, so look again soon.
function awaitPicture() {
  if (document.querySelector("#stage [data-waiting]")) refreshStage(2500);
}

function listen() {
  follow({
    events: `/api/v1/sessions/${id}/events`,
    snapshot: main.dataset.snapshot,
    onState: (whole) => {
      apply(whole, true);
      if (/^(live|ended|processing)$/.test(whole.session.state)) fetchWords();
    },
    onWords: (told) => hearWords(told, crowd),
    onDiff: (change) => apply(change, false),
    onLost: () => setText(connection, connection.dataset.lost),
    onFound: () => {
      setText(connection, "");
      if (phaseState === "live") fetchWords();
    },
  });
}

async function send(method, path, body, key) {
  const response = await fetch(path, {
    method,
    headers: body ? { "Content-Type": "application/json", "Idempotency-Key": key } : {},
    body: body ? JSON.stringify(body) : undefined,
  });
  return await read(response);
}

async function read(response) {
  const answer = await response.json();
  if (!response.ok) throw new Error([answer.error.message, answer.error.hint].filter(Boolean).join(" "));
  return answer;
}

list.addEventListener("submit", async (event) => {
  event.preventDefault();
  const item = event.target.closest("li");
  const button = item.querySelector("button");
  const mine = button.getAttribute("aria-pressed") === "true";
  button.setAttribute("aria-pressed", String(!mine));
  try {
    const { votes, doubt } = await send(mine ? "DELETE" : "POST", `/api/v1/questions/${item.dataset.id}/vote`);
    setText(item.querySelector(".doubt"), doubt ? list.dataset.labelDoubt : "");
    item.dataset.votes = votes;
    setText(item.querySelector(".count"), String(votes));
    event.target.action = `/s/${id}/questions/${item.dataset.id}/${mine ? "vote" : "unvote"}`;
    setText(connection, "");
  } catch (error) {
    button.setAttribute("aria-pressed", String(mine));
    setText(connection, error.message || list.dataset.failed);
  }
});

let asked = 0; // a question sent again after a broken connection carries the same key and is asked once

async function sendQuestion(form) {
  const body = new FormData();
  for (const name of ["text", "name", "shown", "email"]) if (form.elements[name]) body.set(name, form.elements[name].value);
  if (form.elements.tell?.checked) body.set("tell", "yes");
  const photo = await shrinkPhoto(form.elements.photo?.files[0]);
  if (photo) body.set("photo", photo, photo.name);
  body.set("proof", await solvePuzzle(id));
  const headers = { "Idempotency-Key": `${form.elements.stamp.value}-${asked}` };
  return await read(await fetch(`/api/v1/sessions/${id}/questions`, { method: "POST", headers, body }));
}

function showAsked(question) {
  if (question.state === "held") return;
  state.questions[question.id] = question;
  showQuestion(question);
  sortQuestions();
}

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (form.id !== "ask-form") return;
  event.preventDefault();
  const said = document.getElementById("ask-said");
  const button = form.querySelector("button.primary");
  button.disabled = true;
  try {
    const question = await sendQuestion(form);
    asked += 1;
    said.classList.remove("bad");
    setText(said, [said.dataset[question.said], said.dataset[question.untold]].filter(Boolean).join(" "));
    showAsked(question);
    form.elements.text.value = "";
    if (form.elements.photo) form.elements.photo.value = "";
    dropDraft(id);
  } catch (error) {
    said.classList.add("bad");
    setText(said, error.message || list.dataset.failed);
  }
  said.hidden = false;
  button.disabled = false;
  said.scrollIntoView({ block: "nearest" });
});

function takeForm() {
  const form = document.getElementById("ask-form");
  if (form) keepDraft(form, id);
}

// When the time for sending in is over, the page says so; what somebody is typing stays, to be copied.
let closed = false;
function mindDeadline() {
  const deadline = document.querySelector("#ask [data-deadline]");
  if (!deadline || closed || new Date(deadline.dataset.deadline) > Date.now()) return;
  closed = true;
  refreshStage();
}

setInterval(() => {
  for (const element of document.querySelectorAll("[data-starts]")) tickCountdown(element);
  mindDeadline();
}, 10000);

if (/[?&]said=(asked|held|flood)/.test(location.search)) dropDraft(id);
takeForm();
document.getElementById("said")?.focus();
awaitPicture();
attachTrack();
listen();
