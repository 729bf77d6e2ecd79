/* The search page: enhances a form that is there without it.
 *
 *   <form role="search" data-search-root="../search/" data-lang="de" data-other-lang="en" data-search-limit="20" data-message-…>
 *     <input name="q">
 *   </form>
 *   <p data-search-status aria-live="polite"></p>
 *   <ol data-search-results></ol>
 *   <p data-search-more></p>            optional: where the buttons go, else after the list
 *   <details data-search-filters>…      optional, see search-filters.js
 *   <section data-search-nothing>…      optional, shown when nothing is found: a <p data-search-nearest>, whose <span>
 *                                       gets the nearest topics, and an <a data-search-ask> that gets the question
 *   <section data-search-speech>…       optional: whole sessions, with a <p data-search-passages> for
 *                                       how many, and a list
 *
 * data-search-root is where the index lies, relative to the page. Every text comes from the form, so that templates
 * translate them: data-message-searching, -none, -one, -many ("{count} …"), -corrected ("… {words}"), -error,
 * -more, -other (the button for the other language), -speech (the button for whole sessions), -passages-none, -one, -many, -at ("{time}", read out before the time of a result).
 *
 * Nothing of the archive or of the query is ever parsed as HTML: text goes in as text, addresses only if http(s).
 */

import { splitWords } from "./analysis.js";
import { Filters, findNearest } from "./search-filters.js";
import { markText, search, SearchIndex } from "./search-engine.js";

const TYPING_PAUSE_MS = 150;
const EXCERPT_LENGTH = 240;
const EXCERPT_LEAD = 60;
const FEW_ANSWERS = 3; // with fewer, whole sessions are searched without being asked
const PASSAGES = 5;

/** A function that fetches files by their path relative to the root of the site. */
export function createReader(root) {
  return async (path) => {
    const isManifest = path.endsWith("/m.json");
    const response = await fetch(new URL(path, root), { cache: isManifest ? "no-cache" : "default" });
    if (!response.ok) throw new Error(`${path}: the server answered ${response.status}`);
    return new Uint8Array(await response.arrayBuffer());
  };
}

function createElement(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) if (value) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

/** 65 s as 1:05, an hour and more as 1:01:05. */
export function formatTime(totalSeconds) {
  const parts = [Math.floor(totalSeconds / 3600), Math.floor(totalSeconds / 60) % 60, totalSeconds % 60];
  const shown = parts[0] ? parts : parts.slice(1);
  return shown.map((part, n) => (n ? String(part).padStart(2, "0") : String(part))).join(":");
}

/** The address of an answer at a second; null when it is not one that a link may have. */
export function addressOf(fragment, turn, root) {
  let address;
  try {
    address = new URL(fragment.url, root);
  } catch {
    return null;
  }
  if (address.protocol !== "http:" && address.protocol !== "https:") return null;
  if (turn) address.searchParams.set("t", String(Math.floor(turn.start_ms / 1000)));
  return address.href;
}

/** A stretch of the text around its first match, cut between words. */
function cutExcerpt(pieces) {
  const text = pieces.map((piece) => piece.text).join("");
  if (text.length <= EXCERPT_LENGTH) return pieces;
  const lead = pieces[0].isMatch ? 0 : pieces[0].text.length;
  let start = lead < text.length ? Math.max(0, lead - EXCERPT_LEAD) : 0;
  if (start) start = text.indexOf(" ", start) + 1;
  const space = text.lastIndexOf(" ", start + EXCERPT_LENGTH);
  const end = start + EXCERPT_LENGTH >= text.length ? text.length : space > start ? space : start + EXCERPT_LENGTH;
  const cut = start ? [{ text: "… ", isMatch: false }] : [];
  let at = 0;
  for (const { text: part, isMatch } of pieces) {
    const inside = part.slice(Math.max(0, start - at), Math.max(0, end - at));
    if (inside) cut.push({ text: inside, isMatch });
    at += part.length;
  }
  return end < text.length ? [...cut, { text: "\u00a0…", isMatch: false }] : cut;
}

const renderMarked = (pieces) =>
  pieces.map(({ text, isMatch }) => (isMatch ? createElement("mark", {}, text) : document.createTextNode(text)));

/** How a looked-up term is written in the answers found, so that "routr" is reported as Router and not as rout. */
function findSpelling(terms, index, hits) {
  for (const { fragment, turn, language } of hits) {
    if (language !== index.language) continue;
    for (const text of [fragment.question, turn?.text ?? "", fragment.answer]) {
      for (const word of splitWords(text)) {
        const own = index.analyzer.wordTerms(word);
        if (terms.some((term) => own.has(term))) return text.slice(word.start, word.end);
      }
    }
  }
  return terms[0];
}

class SearchPage {
  #form;
  #input;
  #list;
  #status;
  #buttons;
  #root;
  #read;
  #indexes = new Map();
  #run = 0;
  #limit;
  #filters;
  #nothing;
  #speech;
  #timer = 0;
  #dates;

  constructor(form, scope = document) {
    this.#form = form;
    this.#input = form.elements.namedItem("q");
    this.#list = scope.querySelector("[data-search-results]");
    this.#status = scope.querySelector("[data-search-status]");
    this.#buttons = scope.querySelector("[data-search-more]") ?? createElement("p", { class: "search-more" });
    if (!this.#buttons.isConnected) this.#list.after(this.#buttons);
    this.#nothing = scope.querySelector("[data-search-nothing]");
    this.#speech = scope.querySelector("[data-search-speech]");
    this.#filters = new Filters(scope.querySelector("[data-search-filters]"), form.dataset.lang, () => this.#begin());
    this.#root = new URL("..", new URL(`${form.dataset.searchRoot.replace(/\/$/, "")}/`, document.baseURI));
    this.#read = createReader(this.#root);
    this.#limit = this.#pageSize;
  }

  start() {
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#begin();
    });
    this.#input.addEventListener("input", () => {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#begin(), TYPING_PAUSE_MS);
    });
    this.#input.addEventListener("keydown", (event) => this.#moveFocus(event, -1));
    for (const list of [this.#list, this.#speech]) {
      list?.addEventListener("keydown", (event) => {
        this.#moveFocus(event, this.#links().indexOf(event.target.closest("a")));
      });
    }
    const parameters = new URL(location.href).searchParams;
    if (parameters.get("q")) this.#input.value = parameters.get("q");
    this.#filters.readAddress(parameters);
    this.#openAll().catch(() => {}); // who comes here searches; a query reports what is wrong
    if (this.#input.value.trim() || this.#filters.isUsed) this.#begin();
  }

  get #pageSize() {
    return Number(this.#form.dataset.searchLimit) || 10;
  }

  #message(name, values = {}) {
    const text = this.#form.getAttribute(`data-message-${name}`) ?? "";
    return text.replace(/\{(\w+)\}/g, (whole, key) => (key in values ? String(values[key]) : whole));
  }

  #links() {
    const passages = this.#speech?.querySelectorAll("li a[href]") ?? [];
    return [...this.#list.querySelectorAll("a[href]"), ...passages];
  }

  #moveFocus(event, from) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === "Escape" && from >= 0) {
      this.#input.focus();
    } else if (step && !event.isComposing && !(from < 0 && step < 0)) {
      const next = from + step < 0 ? this.#input : this.#links()[from + step];
      if (!next) return;
      event.preventDefault();
      next.focus();
    }
  }

  #begin() {
    clearTimeout(this.#timer);
    this.#limit = this.#pageSize;
    const query = this.#input.value.trim();
    const address = new URL(location.href);
    if (query) address.searchParams.set("q", query);
    else address.searchParams.delete("q");
    this.#filters.writeAddress(address.searchParams);
    history.replaceState(history.state, "", address);
    return this.#show(query);
  }

  async #show(query) {
    const run = ++this.#run;
    this.#list.setAttribute("aria-busy", "true");
    try {
      if (query && !this.#list.hasChildNodes()) this.#status.textContent = this.#message("searching");
      const result = query || this.#filters.isUsed ? await this.#search(query) : null;
      if (run !== this.#run) return;
      this.#render(query, result);
      this.#renderAround(query, result, () => run === this.#run).catch((problem) => console.error(problem));
    } catch (problem) {
      if (run !== this.#run) return;
      console.error(problem);
      this.#status.textContent = this.#message("error");
      this.#list.replaceChildren();
      this.#buttons.replaceChildren();
    } finally {
      if (run === this.#run) this.#list.removeAttribute("aria-busy");
    }
  }

  get #otherLanguage() {
    return this.#form.dataset.otherLang || (this.#form.dataset.lang === "de" ? "en" : "de");
  }

  #open(language, folder) {
    const key = `${folder}/${language}`;
    if (!this.#indexes.has(key)) {
      const opened = SearchIndex.open(this.#read, language, folder);
      opened.catch(() => this.#indexes.delete(key));
      this.#indexes.set(key, opened);
    }
    return this.#indexes.get(key);
  }

  #openAll(folder = "search") {
    const { language } = this.#filters;
    const languages = language === "all" ? [this.#form.dataset.lang, this.#otherLanguage] : [language];
    return Promise.all(languages.map((one) => this.#open(one, folder)));
  }

  async #search(query) {
    try {
      return await this.#ask(query);
    } catch {
      this.#indexes.clear(); // the site may have been rebuilt meanwhile: read the manifest again, once
      return this.#ask(query);
    }
  }

  async #ask(query) {
    const options = { limit: this.#limit, chosen: this.#filters.chosen };
    const result = await search(await this.#openAll(), query, options);
    const isOwn = this.#filters.language === this.#form.dataset.lang;
    if (result.total || !query || !isOwn || !this.#message("elsewhere")) return result;
    const elsewhere = await search([await this.#open(this.#otherLanguage, "search")], query, options);
    // A word that has to be guessed in another language is none of it.
    return elsewhere.total && !elsewhere.corrections.size ? { ...elsewhere, isElsewhere: true } : result;
  }

  #render(query, result) {
    this.#list.replaceChildren(...(result?.hits ?? []).map((hit) => this.#renderHit(hit)));
    this.#status.textContent = result ? this.#describe(result) : "";
    this.#buttons.replaceChildren();
    if (!result) return;
    if (result.total > result.hits.length) {
      this.#offer("more", () => {
        this.#limit += this.#pageSize;
        return this.#show(query);
      });
    }
    if (this.#filters.language === this.#form.dataset.lang && !result.isElsewhere) {
      this.#offer("other", () => {
        this.#filters.language = "all";
        return this.#begin();
      });
    }
  }

  /** What stands around the answers: filters' counts, help when there are none, and whole sessions. */
  async #renderAround(query, result, isCurrent) {
    const isNothing = result?.total === 0 || Boolean(result?.isElsewhere);
    if (this.#nothing) this.#nothing.hidden = !query || !isNothing;
    if (this.#speech) this.#speech.hidden = true;
    await this.#filters.fill(await this.#openAll(), query);
    if (!query || !isCurrent()) return;
    if (isNothing && this.#nothing) await this.#helpOn(query, isCurrent);
    if (!this.#speech || !isCurrent()) return;
    if (result.total < FEW_ANSWERS) await this.#showSpeech(query, isCurrent);
    else this.#offer("speech", () => this.#showSpeech(query, isCurrent, { isAsked: true }));
  }

  async #helpOn(query, isCurrent) {
    const ask = this.#nothing.querySelector("[data-search-ask]");
    if (ask) {
      const address = new URL(ask.href);
      address.searchParams.set("question", query);
      ask.href = address.href;
    }
    const nearest = this.#nothing.querySelector("[data-search-nearest]");
    if (!nearest) return;
    const [index] = await this.#openAll();
    const topics = await findNearest(index, query, splitWords);
    if (!isCurrent()) return;
    nearest.hidden = !topics.length;
    const links = topics.map((title) =>
      createElement("a", { href: `?${new URLSearchParams({ topic: title })}`, dir: "auto" }, title),
    );
    nearest.querySelector("span").replaceChildren(...links.flatMap((link, n) => (n ? [" · ", link] : [link])));
  }

  async #showSpeech(query, isCurrent, { isAsked = false } = {}) {
    const indexes = await this.#openAll("speech");
    if (!indexes.some(({ manifest }) => manifest.documents)) return;
    const result = await search(indexes, query, { limit: PASSAGES, chosen: this.#filters.chosen });
    if (!isCurrent() || (!result.total && !isAsked)) return;
    this.#speech.querySelector("ol").replaceChildren(...result.hits.map((hit) => this.#renderHit(hit)));
    this.#speech.querySelector("[data-search-passages]").textContent = this.#count("passages-", result.total);
    this.#speech.hidden = false;
  }

  #offer(name, act) {
    const text = this.#message(name);
    if (!text) return;
    const button = createElement("button", { type: "button", [`data-search-${name}-button`]: "true" }, text);
    button.addEventListener("click", async () => {
      const seen = this.#links().length;
      button.disabled = true;
      await act();
      const links = this.#links();
      (name === "other" ? links[0] : (links[seen] ?? links.at(-1)))?.focus();
    });
    this.#buttons.append(button, " ");
  }

  #count(prefix, total) {
    return this.#message(`${prefix}${total === 0 ? "none" : total === 1 ? "one" : "many"}`, { count: total });
  }

  #describe({ total, hits, corrections, isElsewhere }) {
    const words = [...corrections.values()].map(({ terms, index }) => findSpelling(terms, index, hits));
    const corrected = words.length && total ? this.#message("corrected", { words: [...new Set(words)].join(", ") }) : "";
    return [isElsewhere && this.#message("elsewhere"), this.#count("", total), corrected].filter(Boolean).join(" ");
  }

  #renderHit({ fragment, turn, analyzer, concepts, language }) {
    const mark = (text) => markText(analyzer, text, concepts);
    const link = createElement(
      "a",
      { href: addressOf(fragment, turn, this.#root), class: "search-result-question", dir: "auto" },
      ...renderMarked(mark(fragment.question)),
    );
    const item = createElement("li", { class: "search-result", lang: language }, link);
    const excerpt = turn?.text || fragment.answer;
    if (excerpt) {
      const quote = createElement("span", { class: "search-result-text", dir: "auto" });
      quote.append(...renderMarked(cutExcerpt(mark(excerpt))));
      item.append(createElement("p", { class: "search-result-cue" }, ...this.#renderMoment(turn), quote));
    }
    const source = [fragment.session, this.#formatDate(fragment.date)].filter(Boolean).join(" · ");
    item.append(createElement("p", { class: "search-result-source", dir: "auto" }, source));
    return item;
  }

  #renderMoment(turn) {
    if (!turn) return [];
    const seconds = Math.floor(turn.start_ms / 1000);
    const shown = formatTime(seconds);
    const label = this.#message("at", { time: shown });
    const parts = [createElement("time", { datetime: `PT${seconds}S` }, label || shown), " "];
    if (turn.speaker) parts.push(createElement("b", { class: "search-result-speaker", dir: "auto" }, turn.speaker), " ");
    return parts;
  }

  #formatDate(date) {
    const moment = new Date(`${date}T00:00:00Z`);
    if (Number.isNaN(moment.getTime())) return date;
    const language = (document.documentElement.lang || this.#form.dataset.lang).replace(/^en$/, "en-GB"); // as the pages write dates
    this.#dates ??= new Intl.DateTimeFormat(language, { dateStyle: "long", timeZone: "UTC" }); // slow to make
    return this.#dates.format(moment).replace(" ", "\u00a0"); // the day stays with its month
  }
}

function startAll() {
  for (const form of document.querySelectorAll("form[data-search-root]")) {
    if (document.querySelector("[data-search-results]")) new SearchPage(form).start();
  }
}

if (typeof document !== "undefined") {
  // Loaded as an async module it may be here before the page is; "interactive" comes before other scripts are waited for.
  if (document.readyState === "loading") document.addEventListener("readystatechange", startAll, { once: true });
  else startAll();
}
