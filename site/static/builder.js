/* The builder: from choices in a form to the lines that a web master pastes, with a preview. Nothing is sent anywhere.
 *
 * An answer is named by its address, or sought by words through the search of this archive, whose script and index are
 * loaded then and not before. The page's address can bring one along: ?answer=a/q1-router/. Without this script the page says how to write
 * the lines by hand. */

(() => {
  const box = document.querySelector("[data-builder]");
  const form = document.getElementById("builder");
  const preview = box.querySelector("[data-preview]");
  const hint = document.getElementById("answer-hint");
  const help = hint.textContent;
  const root = new URL(box.dataset.root, document.baseURI).href;
  const here = new URL(document.querySelector('script[src*="static/embed.js"]').src);
  const served = new URL("..", here).href; // where this copy of the site lies; differs from root on a test server
  const questions = new Map();
  const found = box.querySelector("[data-found]");
  const FOUND_MOST = 6;
  const TYPING_PAUSE_MS = 250;
  let indexes = null;
  let asking = 0;

  const escape = (text) =>
    text.replace(/[&<>"]/g, (letter) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[letter]);
  const write = (name, attributes, content) =>
    `<${name}${Object.entries(attributes).map(([key, value]) => (value === true ? ` ${key}` : value ? ` ${key}="${escape(value)}"` : "")).join("")}>${content}</${name}>`;

  /** The path of an answer's page below the root, from whatever was typed; null if it is none. */
  function findAnswer(typed) {
    const named = [...questions].find(([, question]) => question === typed)?.[0];
    let url;
    try {
      url = new URL(named ?? typed, served);
    } catch {
      return null;
    }
    const base = [root, served].find((one) => url.href.startsWith(one));
    const match = base && /^(?:embed\/)?(a\/[\w.-]+)\/?(?:index\.html)?$/.exec(url.href.slice(base.length).split(/[?#]/)[0]);
    return match ? `${match[1]}/` : null;
  }

  /** The answers that the archive's search finds for words: [path, question]s. */
  async function search(words) {
    const engine = await import(new URL("search-engine.js", here));
    const read = async (path) => {
      const answer = await fetch(new URL(path, served));
      if (!answer.ok) throw new Error(`${path}: the server answered ${answer.status}`);
      return new Uint8Array(await answer.arrayBuffer());
    };
    indexes ??= Promise.all(["de", "en"].map((language) => engine.SearchIndex.open(read, language)));
    const { hits } = await engine.search(await indexes, words, { limit: 3 * FOUND_MOST });
    const answers = hits.map(({ fragment }) => [findAnswer(new URL(fragment.url, served).href), fragment.question]);
    return answers.filter(([path]) => path).slice(0, FOUND_MOST);
  }

  /** Say what can be chosen for what was typed, which is no answer's address. */
  async function offer(typed) {
    const turn = ++asking;
    const { messageBad, messageSearching, messageChoose, messageNone } = box.dataset;
    found.replaceChildren();
    hint.textContent = !typed ? help : /[/:]/.test(typed) ? messageBad : messageSearching;
    if (hint.textContent !== messageSearching) return;
    await new Promise((done) => setTimeout(done, TYPING_PAUSE_MS));
    if (turn !== asking) return;
    const answers = await search(typed).catch(() => {
      indexes = null;
      return null;
    });
    if (turn !== asking) return;
    hint.textContent = !answers ? messageBad : answers.length ? messageChoose : messageNone;
    for (const [path, question] of answers ?? []) {
      const button = Object.assign(document.createElement("button"), { type: "button", className: "plain-button", textContent: question });
      button.addEventListener("click", () => {
        questions.set(path, question);
        form.elements.answer.value = root + path;
        form.elements.answer.focus();
        show();
      });
      const item = document.createElement("li");
      item.append(button);
      found.append(item);
    }
  }

  function look() {
    return { look: form.elements.plain.checked && "plain", accent: form.elements.own.checked && form.elements.accent.value };
  }

  /** What is chosen: element, attributes (addresses by root), link, path of the frame. */
  async function choose() {
    if (form.elements.kind.value === "answer") {
      const typed = form.elements.answer.value.trim();
      const path = typed && findAnswer(typed);
      if (!path) {
        offer(typed);
        return null;
      }
      asking++;
      hint.textContent = help;
      found.replaceChildren();
      if (!questions.has(path)) questions.set(path, await askQuestion(path));
      return { name: "streamhub-answer", src: path, attributes: look(), page: path, text: questions.get(path) || path };
    }
    const labels = [...form.querySelectorAll("[data-label]")].filter((field) => field.value);
    const attributes = Object.fromEntries(labels.map((field) => [field.name, field.value]));
    const first = labels[0];
    const folder = first ? `${{ topic: "topics", product: "products", person: "people" }[first.name]}/${first.value}/` : "";
    const text = first ? first.selectedOptions[0].textContent : box.dataset.messageAnswers;
    const { language, limit } = form.elements;
    return {
      name: "streamhub-answers",
      src: labels.length ? "" : null,
      attributes: { ...attributes, language: language.value, limit: limit.value, ...look() },
      page: folder,
      text,
    };
  }

  async function askQuestion(path) {
    try {
      return (await (await fetch(new URL(`${path}answer.json`, served))).json()).question;
    } catch {
      return "";
    }
  }

  async function show() {
    for (const part of form.querySelectorAll("[data-for]")) part.hidden = part.dataset.for !== form.elements.kind.value;
    const chosen = await choose();
    box.querySelector("[data-preview-empty]").hidden = Boolean(chosen);
    const fields = ["element", "frame", "plain"].map((id) => document.getElementById(id));
    if (!chosen) {
      for (const field of fields) field.value = "";
      preview.replaceChildren();
      return;
    }
    const link = write("a", { href: root + chosen.page }, escape(chosen.text));
    const script = write("script", { async: true, src: `${root}static/embed.js` }, "");
    const src = chosen.src ? root + chosen.src : "";
    const frame = `${root}embed/${chosen.page || "answers/"}`;
    fields[0].value = `${script}\n${write(chosen.name, { src, ...chosen.attributes }, link)}`;
    fields[1].value = write("iframe", { src: frame, title: chosen.text, width: "100%", height: "360", loading: "lazy" }, "");
    fields[2].value = link;
    const element = document.createElement(chosen.name);
    for (const [key, value] of Object.entries({ src: chosen.src && served + chosen.src, ...chosen.attributes })) {
      if (value) element.setAttribute(key, value);
    }
    preview.replaceChildren(element);
  }

  async function offerNewest() {
    const list = await (await fetch(new URL("answers.json", served))).json();
    for (const { url, question } of list.answers) {
      questions.set(url, question);
      const option = document.createElement("option");
      option.value = question;
      document.getElementById("answers").append(option);
    }
  }

  const asked = new URL(location.href).searchParams.get("answer");
  if (asked) form.elements.answer.value = new URL(asked, root).href;
  box.hidden = false;
  form.addEventListener("input", show);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.elements.accent.addEventListener("input", () => (form.elements.own.checked = true));
  offerNewest().catch(() => {});
  show();
})();
