/* Other archives, that this archive's owner names: asked only once the viewer ticks or clicks, and marked by source.
 *
 *   <fieldset data-others hidden data-message-…> <input type="checkbox" value="https://other.example/"> … </fieldset>
 *   <div data-others-results role="status"></div>          on the search page, beside form[data-search-root]
 *   <section data-others-list="topics/router/" hidden> <button type="button" value="https://other.example/"> … </section>
 *
 * Search reads the other archive's public index and its answers' JSON with this site's own script; a list is a
 * <streamhub-answers>. Nothing of another archive is parsed as HTML, run, or shown as a link that is not http(s) and
 * its own. No cookie goes along. Messages: data-message-searching, -none, -one, -many, -error ("{count}", "{name}").
 */

const TYPING_PAUSE_MS = 400;
const LIMIT = 5;
const EXCERPT_LENGTH = 200;

function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) if (value) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

/** A function that fetches files of another archive by their path; nothing about the viewer goes along. */
function createReader(root) {
  return async (path) => {
    const cache = path.endsWith("/m.json") ? "no-cache" : "default";
    const response = await fetch(new URL(path, root), { cache, credentials: "omit", referrerPolicy: "no-referrer" });
    if (!response.ok) throw new Error(`${root}${path}: the server answered ${response.status}`);
    return new Uint8Array(await response.arrayBuffer());
  };
}

/** The page of an answer, at its second, if it lies in the archive that it was found in. */
function addressOf(fragment, turn, root) {
  try {
    const url = new URL(fragment.url, root);
    if (!url.href.startsWith(root)) return null;
    if (turn) url.searchParams.set("t", String(Math.floor(turn.start_ms / 1000)));
    return url.href;
  } catch {
    return null;
  }
}

class OtherArchives {
  #box;
  #form;
  #results;
  #indexes = new Map();
  #timer = 0;
  #run = 0;

  constructor(box, form, results) {
    this.#box = box;
    this.#form = form;
    this.#results = results;
    box.hidden = false;
    box.addEventListener("change", () => this.#ask());
    form.addEventListener("submit", () => this.#ask());
    for (const scope of [form, ...document.querySelectorAll("[data-search-filters]")]) {
      scope.addEventListener("input", () => {
        clearTimeout(this.#timer);
        this.#timer = setTimeout(() => this.#ask(), TYPING_PAUSE_MS);
      });
    }
  }

  #message(name, values) {
    const text = this.#box.getAttribute(`data-message-${name}`) ?? "";
    return text.replace(/\{(\w+)\}/g, (whole, key) => (key in values ? String(values[key]) : whole));
  }

  get #languages() {
    const chosen = document.querySelector("[data-search-language]")?.value || this.#form.dataset.lang;
    return chosen === "all" ? ["de", "en"] : [chosen];
  }

  async #ask() {
    clearTimeout(this.#timer);
    const run = ++this.#run;
    const query = this.#form.elements.namedItem("q").value.trim();
    const roots = [...this.#box.querySelectorAll("input:checked")].map((input) => input.value);
    this.#results.replaceChildren();
    if (!query) return;
    await Promise.all(
      roots.map(async (root) => {
        const section = make("section", { class: "others-source" });
        const name = new URL(root).host;
        const status = make("p", { class: "search-status" }, this.#message("searching", { name }));
        section.append(make("h2", { class: "small" }, name), status);
        this.#results.append(section);
        try {
          const { total, hits, markText } = await this.#search(root, query);
          if (run !== this.#run) return;
          const count = total === 0 ? "none" : total === 1 ? "one" : "many";
          status.textContent = this.#message(count, { name, count: total });
          section.append(make("ol", { class: "results" }, ...hits.map((hit) => this.#renderHit(hit, root, markText))));
        } catch (problem) {
          console.warn(problem.message);
          this.#indexes.delete(root); // it may have been built again meanwhile
          status.textContent = this.#message("error", { name });
        }
      }),
    );
  }

  async #search(root, query) {
    const { markText, search, SearchIndex } = await import("./search-engine.js");
    if (!this.#indexes.has(root)) this.#indexes.set(root, new Map());
    const opened = this.#indexes.get(root);
    const read = createReader(root);
    const indexes = await Promise.all(
      this.#languages.map((language) => {
        if (!opened.has(language)) opened.set(language, SearchIndex.open(read, language));
        return opened.get(language);
      }),
    );
    return { ...(await search(indexes, query, { limit: LIMIT })), markText };
  }

  #renderHit({ fragment, turn, analyzer, concepts, language }, root, markText) {
    const mark = (text) =>
      markText(analyzer, text, concepts).map((piece) => (piece.isMatch ? make("mark", {}, piece.text) : piece.text));
    const href = addressOf(fragment, turn, root);
    const title = make(href ? "a" : "span", { href, class: "search-result-question", dir: "auto", rel: "noopener" });
    title.append(...mark(fragment.question));
    const item = make("li", { class: "search-result", lang: language }, title);
    const said = turn?.text || fragment.answer;
    if (said) {
      const cut = said.length > EXCERPT_LENGTH ? `${said.slice(0, said.lastIndexOf(" ", EXCERPT_LENGTH))} …` : said;
      item.append(make("p", { class: "search-result-cue", dir: "auto" }, ...mark(cut)));
    }
    const source = [fragment.session, fragment.date, new URL(root).host].filter(Boolean).join(" · ");
    item.append(make("p", { class: "search-result-source", dir: "auto" }, source));
    return item;
  }
}

const box = document.querySelector("[data-others]");
const form = document.querySelector("form[data-search-root]");
if (box && form) new OtherArchives(box, form, document.querySelector("[data-others-results]"));

for (const section of document.querySelectorAll("[data-others-list]")) {
  section.hidden = false;
  for (const button of section.querySelectorAll("button")) {
    button.addEventListener("click", () => {
      const src = new URL(section.dataset.othersList, button.value).href;
      button.replaceWith(make("h3", {}, new URL(src).host), make("streamhub-answers", { src, limit: "10", look: "plain" }));
    });
  }
}
