/* Narrowing results down: selects for topic, product, speaker, show, year and language.
 *
 *   <details data-search-filters hidden>
 *     <label>… <select data-facet="topic"><option value="">…</option></select></label> …
 *     <label>… <select data-search-language><option value="de">…</option> … <option value="all">…</option></select></label>
 *     <button type="button" data-search-clear>…</button>
 *   </details>
 *
 * The values of a facet are fetched when the element is opened for the first time, or when the address has chosen some.
 * The choice stands in the address beside the query (?q=…&topic=…), so it can be shared.
 */

import { countValues, findOrdinals } from "./search-engine.js";

const MAX_OPTIONS = 300;

export class Filters {
  #element;
  #selects;
  #language;
  #clear;
  #changed;
  #run = 0;

  /** @param element the <details>, or null where the page has none @param changed called after every change */
  constructor(element, ownLanguage, changed) {
    this.#element = element;
    this.#changed = changed;
    this.#selects = new Map([...(element?.querySelectorAll("[data-facet]") ?? [])].map((one) => [one.dataset.facet, one]));
    this.#language = element?.querySelector("[data-search-language]") ?? null;
    this.#clear = element?.querySelector("[data-search-clear]") ?? null;
    this.ownLanguage = ownLanguage;
    if (!element) return;
    element.hidden = false;
    for (const select of [...this.#selects.values(), this.#language]) select?.addEventListener("change", () => this.#tell());
    this.#clear?.addEventListener("click", () => {
      this.#set({}, this.ownLanguage);
      this.#tell();
      element.querySelector("summary").focus();
    });
    element.addEventListener("toggle", () => element.open && changed());
  }

  /** What is chosen, {facet: title}. */
  get chosen() {
    const pairs = [...this.#selects].map(([facet, select]) => [facet, select.value]);
    return Object.fromEntries(pairs.filter(([, title]) => title));
  }

  /** Which language's answers are asked for: de, en, or all. */
  get language() {
    return this.#language?.value || this.ownLanguage;
  }

  set language(language) {
    if (this.#language) this.#language.value = language;
    else this.ownLanguage = language;
  }

  get isOpen() {
    return Boolean(this.#element?.open);
  }

  get isUsed() {
    return Object.keys(this.chosen).length > 0;
  }

  /** Take the choice over from an address. */
  readAddress(parameters) {
    const chosen = Object.fromEntries([...this.#selects.keys()].map((facet) => [facet, parameters.get(facet) ?? ""]));
    this.#set(chosen, parameters.get("language") || this.ownLanguage);
    if (this.#element && (this.isUsed || this.language !== this.ownLanguage)) this.#element.open = true;
    this.#markUse();
  }

  /** Write the choice into an address. */
  writeAddress(parameters) {
    for (const [facet, { value }] of this.#selects) {
      if (value) parameters.set(facet, value);
      else parameters.delete(facet);
    }
    if (this.language === this.ownLanguage) parameters.delete("language");
    else parameters.set("language", this.language);
  }

  /** Fill the selects with the values that answers to a query have, and how many; keeps what is chosen. */
  async fill(indexes, query) {
    if (!this.isOpen) return;
    const run = ++this.#run;
    const { chosen } = this;
    const found = await Promise.all(indexes.map((index) => findOrdinals(index, query)));
    for (const [facet, select] of this.#selects) {
      const counts = new Map();
      for (const [n, index] of indexes.entries()) {
        for (const [title, count] of await countValues(index, found[n], facet, chosen)) {
          counts.set(title, (counts.get(title) ?? 0) + count);
        }
      }
      if (run !== this.#run) return;
      this.#fillOne(facet, select, counts);
    }
  }

  #fillOne(facet, select, counts) {
    const compare = new Intl.Collator(document.documentElement.lang, { numeric: true }).compare;
    const order = facet === "year" ? (a, b) => compare(b[0], a[0]) : (a, b) => b[1] - a[1] || compare(a[0], b[0]);
    const values = [...counts].sort(order).slice(0, MAX_OPTIONS);
    const { value } = select;
    if (value && !values.some(([title]) => title === value)) values.unshift([value, 0]);
    const options = values.map(([title, count]) => new Option(`${title} (${count})`, title, false, title === value));
    select.replaceChildren(select.options[0], ...options);
    select.value = value;
    select.closest("label").hidden = !options.length;
  }

  #set(chosen, language) {
    for (const [facet, select] of this.#selects) {
      const title = chosen[facet] ?? "";
      if (![...select.options].some((option) => option.value === title)) select.append(new Option(title, title));
      select.value = title;
    }
    this.language = language;
    if (this.#language && !this.#language.value) this.#language.value = this.ownLanguage;
  }

  #markUse() {
    if (this.#clear) this.#clear.hidden = !this.isUsed && this.language === this.ownLanguage;
  }

  #tell() {
    this.#markUse();
    this.#changed();
  }
}

/** The values of a facet that are most like a query, else those that most answers have: titles, at most five. */
export async function findNearest(index, query, words, facet = "topic", limit = 5) {
  const values = [...(await index.loadFacet(facet))];
  const asked = words(query).flatMap((word) => word.pieces).filter((piece) => piece.length > 2 && !index.stopWords.has(piece));
  const likeness = (title) => {
    const pieces = words(title).flatMap((word) => word.pieces);
    const stems = new Set(pieces.map((piece) => index.analyzer.stem(piece)));
    const shared = asked.filter((piece) => stems.has(index.analyzer.stem(piece))).length;
    const inside = asked.filter((one) => pieces.some((own) => own.length > 3 && one.length > 3 && (own.includes(one) || one.includes(own))));
    return 2 * shared + inside.length;
  };
  const ranked = values.map(([title, has]) => ({ title, like: likeness(title), count: has.size }));
  ranked.sort((a, b) => b.like - a.like || b.count - a.count || (a.title < b.title ? -1 : 1));
  const alike = ranked.filter(({ like }) => like > 0);
  return (alike.length ? alike : ranked).slice(0, limit).map(({ title }) => title);
}
