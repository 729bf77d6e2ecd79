/* The search page: enhances a form that is there without it.
 *
 *   <form role="search" data-search-root="../search/" data-lang="de" data-other-lang="en" data-search-limit="20" data-message-…>
 *     <input name="q">
 *   </form>
 *   <p data-search-status aria-live="polite"></p>
 *   <ol data-search-results></ol>
 *   <p data-search-more></p>            optional: where the buttons go, else after the list
 *
 * data-search-root is where the index lies, relative to the page. Every text comes from the form, so that templates
 * translate them: data-message-searching, -none, -one, -many ("{count} …"), -corrected ("… {words}"), -error,
 * -more, -other (the button for the other language), -at ("{time}", read out before the time of a result).
 *
 * Nothing of the archive or of the query is ever parsed as HTML: text goes in as text, addresses only if http(s).
 */

import { splitWords } from "./analysis.js";
import { markText, search, SearchIndex } from "./search-engine.js";

const TYPING_PAUSE_MS = 150;
const EXCERPT_LENGTH = 240;
const EXCERPT_LEAD = 60;

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
  return end < text.length ? [...cut, { text: " …", isMatch: false }] : cut;
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
  #withOther = false;
  #timer = 0;

  constructor(form, scope = document) {
    this.#form = form;
    this.#input = form.elements.namedItem("q");
    this.#list = scope.querySelector("[data-search-results]");
    this.#status = scope.querySelector("[data-search-status]");
    this.#buttons = scope.querySelector("[data-search-more]") ?? createElement("p", { class: "search-more" });
    if (!this.#buttons.isConnected) this.#list.after(this.#buttons);
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
    this.#list.addEventListener("keydown", (event) => {
      const links = this.#links();
      this.#moveFocus(event, links.indexOf(event.target.closest("a")));
    });
    const asked = new URL(location.href).searchParams.get("q");
    if (asked) this.#input.value = asked;
    if (this.#input.value.trim()) this.#begin();
  }

  get #pageSize() {
    return Number(this.#form.dataset.searchLimit) || 20;
  }

  #message(name, values = {}) {
    const text = this.#form.getAttribute(`data-message-${name}`) ?? "";
    return text.replace(/\{(\w+)\}/g, (whole, key) => (key in values ? String(values[key]) : whole));
  }

  #links() {
    return [...this.#list.querySelectorAll("a[href]")];
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
    this.#withOther = false;
    const query = this.#input.value.trim();
    const address = new URL(location.href);
    if (query) address.searchParams.set("q", query);
    else address.searchParams.delete("q");
    history.replaceState(history.state, "", address);
    this.#show(query);
  }

  async #show(query) {
    const run = ++this.#run;
    this.#list.setAttribute("aria-busy", "true");
    try {
      if (query && !this.#list.hasChildNodes()) this.#status.textContent = this.#message("searching");
      const result = query ? await this.#search(query) : null;
      if (run === this.#run) this.#render(query, result);
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

  #open(language) {
    if (!this.#indexes.has(language)) {
      const opened = SearchIndex.open(this.#read, language);
      opened.catch(() => this.#indexes.delete(language));
      this.#indexes.set(language, opened);
    }
    return this.#indexes.get(language);
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
    const languages = [this.#form.dataset.lang, ...(this.#withOther ? [this.#otherLanguage] : [])];
    const indexes = await Promise.all(languages.map((language) => this.#open(language)));
    return search(indexes, query, { limit: this.#limit });
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
    if (!this.#withOther) {
      this.#offer("other", () => {
        this.#withOther = true;
        return this.#show(query);
      });
    }
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
      (name === "more" ? (links[seen] ?? links.at(-1)) : links[0])?.focus();
    });
    this.#buttons.append(button, " ");
  }

  #describe({ total, hits, corrections }) {
    const count = total === 0 ? "none" : total === 1 ? "one" : "many";
    const words = [...corrections.values()].map(({ terms, index }) => findSpelling(terms, index, hits));
    const corrected = words.length && total ? this.#message("corrected", { words: [...new Set(words)].join(", ") }) : "";
    return [this.#message(count, { count: total }), corrected].filter(Boolean).join(" ");
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
    return new Intl.DateTimeFormat(language, { dateStyle: "long", timeZone: "UTC" }).format(moment);
  }
}

if (typeof document !== "undefined") {
  for (const form of document.querySelectorAll("form[data-search-root]")) {
    if (document.querySelector("[data-search-results]")) new SearchPage(form).start();
  }
}
