// While somebody types a question: what was answered already and what others want to know. Nothing is ever blocked:
// without an answer from the hub nothing is shown, and the form sends as always. Without this script a button looks first.

const DEBOUNCE_MS = 250;
const AT_LEAST = 6; // letters and digits; less is no question yet

const helped = new Set();
const wanted = new Set();
let timer = 0;
let asking = null;
let shown = "";

const box = () => document.getElementById("suggest");

function element(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function clock(ms) {
  const seconds = Math.round(ms / 1000);
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const [first, ...rest] = parts[0] ? parts : parts.slice(1);
  return [first, ...rest.map((part) => String(part).padStart(2, "0"))].join(":");
}

function day(instant) {
  const format = { dateStyle: "medium", timeZone: box().dataset.zone };
  return new Intl.DateTimeFormat(document.documentElement.lang, format).format(new Date(instant));
}

function plural(count, one, many) {
  return count === 1 ? one : many.replace("{}", count);
}

function addressOf(item) {
  if (item.start_ms === null || item.page.includes("?")) return item.page;
  return `${item.page}?t=${Math.floor(item.start_ms / 1000)}`;
}

// In a frame on somebody else's page there are no cookies: there the form carries who asks.
const asker = () => document.getElementById("ask-form")?.elements.asker?.value;

function leadTo(address) {
  if (window.parent === window) location.assign(address);
  else window.open(address, "_blank", "noopener"); // the archive does not show itself in frames of others
}

async function send(method, path) {
  const response = await fetch(path, { method, headers: asker() ? { "Streamhub-Asker": asker() } : {} });
  if (!response.ok) throw new Error(box().dataset.failed);
}

// A button that says something and takes it back: it is pressed at once, and springs back when the hub refuses.
function toggle(known, item, path, label, pressedLabel, after) {
  const button = element("button");
  button.type = "button";
  const show = () => {
    button.setAttribute("aria-pressed", String(known.has(item.id)));
    button.textContent = known.has(item.id) ? pressedLabel : label;
    after?.(known.has(item.id));
  };
  button.addEventListener("click", async () => {
    const before = known.has(item.id);
    if (before) known.delete(item.id);
    else known.add(item.id);
    show();
    try {
      await send(before ? "DELETE" : "POST", path);
    } catch (error) {
      if (before) known.add(item.id);
      else known.delete(item.id);
      show();
      say(error.message);
    }
  });
  show();
  return button;
}

// The clip of an answer, from the hub's own media and only when somebody asks for it. What the archive's page plays from
// elsewhere is not loaded here: then the link leads there.
async function play(item, place) {
  const response = await fetch(item.page, { headers: { Accept: "text/html" } });
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const player = page.querySelector("[data-player]");
  const source = player && new URL(player.dataset.src, response.url);
  if (!response.ok || !source || source.origin !== location.origin || !["video", "audio"].includes(player.dataset.kind)) {
    leadTo(addressOf(item));
    return;
  }
  const { start, end, kind } = player.dataset;
  const media = element(kind, "clip");
  Object.assign(media, { controls: true, preload: "metadata", src: `${source}#t=${start},${end}` });
  media.setAttribute("aria-label", box().dataset.clip);
  media.addEventListener("timeupdate", () => {
    if (media.currentTime > Number(end) + 0.35 && !media.dataset.over) {
      media.dataset.over = "yes";
      media.pause();
    }
  });
  place.replaceWith(media);
  media.focus();
  media.play().catch(() => {}); // the browser may want another click
}

function render(item) {
  const words = box().dataset;
  const answered = item.kind === "answered";
  const spoken = answered && item.start_ms !== null;
  const line = element("li", `suggested ${item.kind}`);
  line.dataset.id = item.id;
  const head = element("p");
  const kind = spoken ? words.answered : answered ? words.written : words.open;
  const link = element("a", "", item.text);
  Object.assign(link, { href: addressOf(item), lang: item.language, target: "_blank", rel: "noopener" });
  link.append(element("span", "hidden", ` (${words.newTab})`));
  head.append(element("span", `kind ${spoken ? "spoken" : answered ? "written" : "open"}`, kind), " ", link);
  const meta = element("p", "meta");
  const facts = [day(item.at), item.answerers.join(", "), item.duration_ms ? clock(item.duration_ms) : ""];
  for (const fact of facts) if (fact) meta.append(element("span", "", fact));
  meta.append(element("span", "votes", plural(item.votes, words.vote, words.votes)), element("span", "told"));
  showTold(meta, Number(document.querySelector(`#q-${CSS.escape(item.id)} .stories`)?.dataset.told ?? 0));
  const acts = element("p", "acts");
  if (spoken) {
    const button = element("button", "", words.play);
    button.type = "button";
    button.addEventListener("click", () => play(item, button).catch(() => leadTo(addressOf(item))));
    acts.append(button);
  }
  if (answered) {
    const path = `/api/v1/sessions/${words.session}/deflections/${item.id}`;
    acts.append(toggle(helped, item, path, words.answersMe, words.noted));
  } else {
    const more = element("a", "", words.case);
    Object.assign(more, { href: `/s/${item.session_id}/q/${item.id}#me-too`, target: "_blank", rel: "noopener" });
    more.append(element("span", "hidden", ` (${words.newTab})`));
    const path = `/api/v1/questions/${item.id}/vote`;
    const after = (mine) => (more.hidden = !mine || Boolean(asker())); // on its own page a frame's asker is another person
    acts.append(toggle(wanted, item, path, words.meToo, words.meTooNoted, after), more);
  }
  line.append(head, meta, acts);
  return line;
}

function showTold(meta, told) {
  const place = meta.querySelector(".told");
  place.textContent = told ? plural(told, box().dataset.toldOne, box().dataset.toldMany) : "";
  place.hidden = !told;
}

// A question of this session that stands in the list changed: votes and cases come in while somebody reads.
document.addEventListener("question-seen", ({ detail: question }) => {
  const meta = document.querySelector(`#suggest-list [data-id="${CSS.escape(question.id)}"].open .meta`);
  if (!meta?.querySelector(".told")) return;
  meta.querySelector(".votes").textContent = plural(question.votes, box().dataset.vote, box().dataset.votes);
  if (question.told !== undefined) showTold(meta, question.told);
});

function say(text) {
  const said = document.getElementById("suggest-said");
  if (said && said.textContent !== text) said.textContent = text;
}

function show(items) {
  const list = document.getElementById("suggest-list");
  const found = document.getElementById("suggest-found");
  if (!list || !found) return;
  document.getElementById("suggest-none")?.remove();
  const ids = items.map((item) => item.id).join(" ");
  if (ids !== shown || !list.childElementCount) list.replaceChildren(...items.map(render));
  if (ids !== shown) say(items.length ? plural(items.length, box().dataset.one, box().dataset.many) : "");
  found.hidden = items.length === 0;
  shown = ids;
}

async function look(text) {
  asking?.abort();
  if ((text.match(/[\p{L}\p{N}]/gu) ?? []).length < AT_LEAST) {
    show([]);
    return;
  }
  asking = new AbortController();
  try {
    const path = `/api/v1/sessions/${box().dataset.session}/suggestions?text=${encodeURIComponent(text.slice(0, 1000))}`;
    const response = await fetch(path, { signal: asking.signal });
    if (response.ok) show((await response.json()).suggestions);
  } catch (error) {
    if (error.name !== "AbortError") show([]); // no line: the form works all the same
  }
}

document.addEventListener("input", (event) => {
  if (event.target.id !== "ask-text" || !box()) return;
  clearTimeout(timer);
  timer = setTimeout(() => look(event.target.value), DEBOUNCE_MS);
});

document.addEventListener("submit", (event) => {
  if (event.target.id !== "ask-form") return;
  clearTimeout(timer);
  asking?.abort();
  show([]);
});
