/* The builder: from choices in a form to the lines that a web master pastes, with a preview. Nothing is sent anywhere.
 *
 * The page's address can bring an answer along: ?answer=a/q1-router/. Without this script the page says how to write
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

  function look() {
    return { look: form.elements.plain.checked && "plain", accent: form.elements.own.checked && form.elements.accent.value };
  }

  /** What is chosen: element, attributes (addresses by root), link, path of the frame. */
  async function choose() {
    if (form.elements.kind.value === "answer") {
      const typed = form.elements.answer.value.trim();
      const path = typed && findAnswer(typed);
      hint.textContent = typed && !path ? box.dataset.messageBad : help;
      if (!path) return null;
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
    fields[1].value = write("iframe", { src: frame, title: chosen.text, width: "640", height: "360", loading: "lazy" }, "");
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
