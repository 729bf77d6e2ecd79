/* Answers of an archive on somebody else's page: <streamhub-answer>, <streamhub-answers> and <streamhub-next>.
 *
 *   <script async src="https://archive.example/static/embed.js"></script>
 *   <streamhub-answer src="https://archive.example/a/q1-router/"><a href="…">question</a></streamhub-answer>
 *   <streamhub-answers topic="router" language="de" limit="5"><a href="…">all answers</a></streamhub-answers>
 *   <streamhub-next show="runde"><a href="…">all sessions</a></streamhub-next>: the next session of a show, or of any, with where to ask
 *
 * What stands inside an element is what is seen without this script, and until the archive has answered. A list can be
 * narrowed by topic, product, person (the last part of their page's address) and language; `src` names such a page.
 * Asked are only the archives whose script the page loads, and those that a script element names in data-archives.
 * No cookie, no storage, nothing but JSON from these archives before a click; every text is set as text.
 * Looks: look="plain" for none of its own, accent="#0f5e63" for links; --streamhub-ink, -soft, -paper, -line, -accent, -font, -radius, -width, and ::part(card), question, text, meta, link,
 * licence, button, video, notice, list, item. No module, so that it needs no permission from the archive's server.
 */

(() => {
  const ELEMENT = "streamhub-answer";
  const PAGES_MOST = 20;
  const AGAIN_MS = 300000;
  const LABELS = { topic: "topics", product: "products", person: "people" };
  const WORDS = {
    de: {
      at: "Im Archiv ab {time}",
      read: "Im Archiv lesen",
      watch: "Antwort ansehen",
      listen: "Antwort anhören",
      note: "Ein Klick lädt die Aufzeichnung von {host}.",
      failed: "Die Aufzeichnung lässt sich hier nicht abspielen. Der Link führt zu ihr.",
      gone: "Diese Antwort ist nicht öffentlich oder nicht mehr da.",
      empty: "Hier gibt es zurzeit keine öffentlichen Antworten.",
      newer: "Zu dieser Frage gibt es eine neuere Antwort:",
      outdated: "Diese Antwort gilt nicht mehr.",
      until: "Gilt bis {date}.",
      licence: "Lizenz: ",
      all: "Alle Antworten",
      next: "Nächste Sendung: ",
      ask: "Jetzt Frage stellen",
      live: "Gerade live: ",
      watch_live: "Zuschauen und fragen",
      yours: " (bei Ihnen: {time})",
      none: "Zurzeit ist keine Sendung geplant.",
    },
    en: {
      at: "In the archive from {time}",
      read: "Read in the archive",
      watch: "Watch the answer",
      listen: "Listen to the answer",
      note: "A click loads the recording from {host}.",
      failed: "The recording cannot be played here. The link leads to it.",
      gone: "This answer is not public, or it is no longer there.",
      empty: "There are no public answers here at present.",
      newer: "There is a newer answer to this question:",
      outdated: "This answer no longer holds.",
      until: "Holds until {date}.",
      licence: "Licence: ",
      all: "All answers",
      next: "Next session: ",
      ask: "Ask your question now",
      live: "Live now: ",
      watch_live: "Watch and ask",
      yours: " (your time: {time})",
      none: "No session is planned at the moment.",
    },
  };
  const STYLE = `
    :host { display: block; margin-block: 1rem; max-width: var(--streamhub-width, 46rem); color: var(--streamhub-ink, inherit); font-family: var(--streamhub-font, inherit); line-height: 1.5; overflow-wrap: break-word; }
    :host([hidden]) { display: none; }
    .card { border: 1px solid var(--streamhub-line, color-mix(in srgb, currentColor 35%, transparent)); border-radius: var(--streamhub-radius, 10px); background: var(--streamhub-paper, transparent); padding: 1rem 1.2rem; }
    :host([look="plain"]) .card { border: 0; padding: 0; background: none; }
    p { margin: 0 0 .6em; } .card > :last-child { margin-bottom: 0; }
    .question { font-weight: 600; font-size: 1.15em; line-height: 1.3; }
    .meta, .licence, .note { color: var(--streamhub-soft, inherit); font-size: .9em; }
    a { color: var(--streamhub-accent, inherit); text-underline-offset: .18em; }
    a, button { display: inline-block; min-height: 24px; }
    button { font: inherit; color: inherit; background: none; border: 1px solid currentColor; border-radius: var(--streamhub-radius, 10px); padding: .4em 1em; cursor: pointer; }
    :focus-visible { outline: 3px solid var(--streamhub-accent, currentColor); outline-offset: 2px; }
    video { width: 100%; display: block; }
    ul { list-style: none; margin: 0 0 .6em; padding: 0; } li { padding: .7em 0; border-bottom: 1px solid var(--streamhub-line, color-mix(in srgb, currentColor 35%, transparent)); }
    li:first-child { padding-top: 0; } li > :last-child { margin-bottom: 0; }`;

  const script = document.currentScript;
  const named = (script?.dataset.archives ?? "").split(/\s+/).filter(Boolean);
  const roots = [...(script?.src ? [new URL("..", script.src).href] : []), ...named];
  const known = customElements.get(ELEMENT);
  if (known) {
    roots.forEach((root) => known.trust(root));
    return;
  }

  const trusted = new Set();
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(STYLE);

  /** The address, if it is http(s) and lies in an archive that the page trusts; else null. */
  function findPlace(address) {
    let url;
    try {
      url = new URL(address, document.baseURI);
    } catch {
      return null;
    }
    url.search = url.hash = "";
    if (!url.pathname.endsWith("/")) url.pathname += "/";
    const root = [...trusted].find((one) => url.href.startsWith(one));
    return root ? { root, url } : null;
  }

  /** The address of something that an archive names; null for anything but http(s). */
  function addressOf(path, root) {
    try {
      const url = new URL(path, root);
      return /^https?:$/.test(url.protocol) ? url : null;
    } catch {
      return null;
    }
  }

  /** @returns the archive's JSON, null if it says that there is none. */
  async function load(url, format) {
    const answer = await fetch(url, { credentials: "omit", referrerPolicy: "no-referrer", cache: "no-cache" });
    if (answer.status === 404 || answer.status === 410) return null;
    if (!answer.ok) throw new Error(`${url}: the server answered ${answer.status}`);
    const data = await answer.json();
    if (data.format !== format) throw new Error(`${url}: is ${data.format}, this script reads ${format}`);
    return data;
  }

  function make(name, part, content, attributes = {}) {
    const element = document.createElement(name);
    if (part) {
      element.className = part;
      element.setAttribute("part", part);
    }
    for (const [key, value] of Object.entries(attributes)) if (value) element.setAttribute(key, value);
    element.append(...[content].flat().filter(Boolean));
    return element;
  }

  const fill = (text, values) => text.replace(/\{(\w+)\}/g, (whole, key) => values[key] ?? whole);

  function clock(totalMs) {
    const total = Math.floor(totalMs / 1000);
    const parts = [Math.floor(total / 3600), Math.floor(total / 60) % 60, total % 60];
    return (parts[0] ? parts : parts.slice(1)).map((part, n) => (n ? String(part).padStart(2, "0") : part)).join(":");
  }

  function writeDate(date, language) {
    const moment = new Date(`${date}T00:00:00Z`);
    if (Number.isNaN(moment.getTime())) return date;
    const style = { dateStyle: "long", timeZone: "UTC" };
    return new Intl.DateTimeFormat(language === "en" ? "en-GB" : language, style).format(moment);
  }

  function link(text, url, part = "link") {
    return url ? make("a", part, text, { href: url.href, dir: "auto" }) : make("span", part, text, { dir: "auto" });
  }

  /** The page of an answer, at its second. */
  function pageOf(item, root) {
    const page = addressOf(item.url, root);
    if (page && Number.isFinite(item.start_ms)) page.searchParams.set("t", Math.floor(item.start_ms / 1000));
    return page;
  }

  class Embed extends HTMLElement {
    static observedAttributes = ["src", "topic", "product", "person", "language", "limit", "show", "look", "accent"];
    #run = 0;

    static trust(root) {
      const url = addressOf(root, document.baseURI);
      if (!url) return;
      url.search = url.hash = "";
      trusted.add(url.href.replace(/\/?$/, "/"));
    }

    connectedCallback() {
      if (!this.shadowRoot) {
        this.attachShadow({ mode: "open" }).adoptedStyleSheets = [sheet];
        this.shadowRoot.append(document.createElement("slot"));
      }
      this.refresh();
    }

    attributeChangedCallback() {
      if (this.shadowRoot && this.isConnected) this.refresh();
    }

    /** Ask the archive again; what stood there stays while it cannot be reached. */
    async refresh() {
      const run = ++this.#run;
      const place = findPlace(this.place);
      try {
        if (!place) throw new Error(`${this.localName}: ${this.place || "no src"}: not an archive that this page trusts`);
        const data = await this.load(place);
        if (run !== this.#run) return;
        if (!data || data.state === "superseded") this.replaceChildren(); // no text that is no longer public stays in the page
        this.shadowRoot.replaceChildren(data ? this.render(data, place) : this.notice(this.words[this.goneWord]));
        this.#paint();
        this.dataset.state = data ? (data.state ?? "published") : "gone";
      } catch (problem) {
        if (run !== this.#run) return;
        console.warn(problem.message);
        this.shadowRoot.replaceChildren(document.createElement("slot"));
        this.dataset.state = "unreachable";
      }
      this.dispatchEvent(new CustomEvent("streamhub-state", { bubbles: true, detail: this.dataset.state }));
    }

    /** Styles by attribute go through the element's own object, which no policy forbids. */
    #paint() {
      const accent = this.getAttribute("accent");
      if (accent && CSS.supports("color", accent)) {
        this.shadowRoot.firstElementChild.style.setProperty("--streamhub-accent", accent);
      }
    }

    get words() {
      return WORDS[this.ownLanguage];
    }

    /** The language around the element: for what no answer gives a language. */
    get ownLanguage() {
      const around = this.closest("[lang]")?.lang || navigator.language;
      return /^de\b/i.test(around) ? "de" : "en";
    }

    notice(text) {
      return make("div", "card", make("p", "notice", text), { role: "status", lang: this.ownLanguage });
    }

    meta(item, language) {
      const names = (item.answered_by ?? []).map(({ name }) => name).join(", ");
      const parts = [names, item.session?.title, writeDate(item.date, language)].filter(Boolean);
      return make("p", "meta", parts.join(" · "), { dir: "auto" });
    }

    licence(data, words) {
      if (!data.licence?.name) return null;
      return make("p", "licence", [words.licence, link(data.licence.name, addressOf(data.licence.url || "none:", "none:"))]);
    }
  }

  class Answer extends Embed {
    goneWord = "gone";

    get place() {
      return this.getAttribute("src");
    }

    load({ url }) {
      return load(new URL("answer.json", url), "streamhub answer 1");
    }

    render(data, { root }) {
      const language = data.language === "de" ? "de" : "en";
      const words = WORDS[language];
      const card = make("article", "card", [], { lang: language, "aria-label": data.question });
      card.append(make("p", "question", data.question, { dir: "auto" }));
      if (data.state === "superseded") {
        card.append(make("p", "notice", data.successor ? words.newer : words.outdated, { role: "status" }));
        if (data.successor) card.append(make("p", "", link(data.successor.question, addressOf(data.successor.url, root))));
        return card;
      }
      if (data.valid_until) {
        const date = writeDate(data.valid_until, language);
        card.append(make("p", "notice", fill(words.until, { date })));
      }
      if (data.text) card.append(make("p", "text", data.text, { dir: "auto" }));
      card.append(this.meta(data, language), ...this.media(data, root, words));
      const said = Number.isFinite(data.start_ms) ? fill(words.at, { time: clock(data.start_ms) }) : words.read;
      card.append(make("p", "", link(said, pageOf(data, root))));
      const licence = this.licence(data, words);
      if (licence) card.append(licence);
      return card;
    }

    /** The button that brings the recording; nothing of it is loaded before. */
    media(data, root, words) {
      const url = data.media && addressOf(data.media.url, root);
      if (!url) return [];
      const isVideo = data.media.kind === "video";
      const button = make("button", "button", isVideo ? words.watch : words.listen, { type: "button" });
      const note = make("p", "note", fill(words.note, { host: url.host }), { role: "status" });
      button.addEventListener("click", () => {
        const { start_ms: start, end_ms: end } = data.media;
        if (end) url.hash = `t=${start / 1000},${end / 1000}`;
        const player = make(isVideo ? "video" : "audio", "video", [], { src: url.href, controls: "controls" });
        player.autoplay = true;
        player.addEventListener("error", () => {
          note.textContent = words.failed;
          player.remove();
        });
        note.textContent = "";
        button.replaceWith(player);
        player.focus();
      });
      return [make("p", "", button), note];
    }
  }

  class Answers extends Embed {
    goneWord = "empty";

    get #labels() {
      return Object.entries(LABELS).filter(([name]) => this.getAttribute(name));
    }

    /** The first label that is named has the list; the others narrow it. */
    get place() {
      const src = this.getAttribute("src");
      const [first] = this.#labels;
      const root = [...trusted][0] ?? "";
      if (src || !first) return src || root;
      return new URL(`${first[1]}/${encodeURIComponent(this.getAttribute(first[0]))}/`, root).href;
    }

    async load({ url, root }) {
      const limit = Math.max(1, Math.min(100, Number(this.getAttribute("limit")) || 10));
      const found = [];
      let next = new URL("answers.json", url);
      let last = null;
      for (let page = 0; next && found.length < limit && page < PAGES_MOST; page++) {
        const data = await load(next, "streamhub answers 1");
        if (!data) break;
        last ??= data;
        found.push(...data.answers.filter((item) => this.#fits(item)));
        next = data.next ? addressOf(data.next, next) : null;
        if (next && !next.href.startsWith(root)) next = null;
      }
      return last && found.length ? { ...last, answers: found.slice(0, limit) } : null;
    }

    #fits(item) {
      const language = this.getAttribute("language");
      if (language && item.language !== language) return false;
      return this.#labels.every(([name, folder]) => {
        const labels = (name === "person" ? item.answered_by : item[folder]) ?? [];
        return labels.some(({ url }) => url === `${folder}/${this.getAttribute(name)}/`);
      });
    }

    render(data, { root, url }) {
      const words = this.words;
      const items = data.answers.map((item) =>
        make(
          "li",
          "item",
          [
            make("p", "question", link(item.question, pageOf(item, root)), { dir: "auto" }),
            item.text && make("p", "text", item.text, { dir: "auto" }),
            this.meta(item, item.language),
          ],
          { lang: item.language },
        ),
      );
      const all = make("p", "", link(words.all, url));
      return make("div", "card", [make("ul", "list", items), all, this.licence(data, words)], { lang: this.ownLanguage });
    }
  }

  /** When something is, in a zone. */
  function writeMoment(moment, zone, language) {
    const style = { weekday: "long", day: "numeric", month: "long", hour: "2-digit", minute: "2-digit", timeZoneName: "short", timeZone: zone };
    return new Intl.DateTimeFormat(language === "en" ? "en-GB" : language, style).format(moment);
  }

  class Next extends Embed {
    #timer = 0;

    get place() {
      return this.getAttribute("src") || ([...trusted][0] ?? "");
    }

    async load({ root }) {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.isConnected && this.refresh(), AGAIN_MS);
      const data = await load(new URL("coming.json", root), "streamhub coming 1");
      const show = this.getAttribute("show");
      const fits = (item) => (!show || item.show === show) && (item.live || Date.parse(item.ends_at) > Date.now());
      const found = (data?.sessions ?? []).filter(fits);
      return { item: found.find((one) => one.live) ?? found[0], state: found.length ? "published" : "none" };
    }

    render({ item }, { root }) {
      if (!item) return make("div", "card", [make("p", "notice", this.words.none), document.createElement("slot")], { lang: this.ownLanguage });
      const language = item.language === "de" ? "de" : "en";
      const words = WORDS[language];
      const url = addressOf(item.url, root);
      const starts = new Date(item.starts_at);
      const there = writeMoment(starts, item.zone, language);
      const here = writeMoment(starts, undefined, language);
      const time = there + (here === there ? "" : fill(words.yours, { time: here }));
      return make(
        "article",
        "card",
        [
          make("p", "meta", (item.live ? words.live : words.next) + item.show_title, { dir: "auto" }),
          make("p", "question", link(item.title, url), { dir: "auto" }),
          make("p", "text", make("time", "", time, { datetime: item.starts_at })),
          item.text && make("p", "text", item.text, { dir: "auto" }),
          make("p", "", link(item.live ? words.watch_live : words.ask, url)),
        ],
        { lang: language, "aria-label": item.title },
      );
    }
  }

  roots.forEach((root) => Embed.trust(root));
  customElements.define(ELEMENT, Answer);
  customElements.define("streamhub-answers", Answers);
  customElements.define("streamhub-next", Next);
})();
