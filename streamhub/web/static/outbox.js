// The outbox: what a host did, sent in order, one by one, until the hub has it.
// Each entry has an id of its own, so that sending it again after a lost answer does it once. Entries survive a reload.

const BACKOFF_MS = [500, 1000, 2000, 4000, 8000];
const GONE = new Set([401, 403, 404, 409, 400, 413]);

export class Outbox {
  // hooks: token() gives the form's token; changed(entries) redraws; done(entry, result); refused(entry, error).
  constructor(name, hooks) {
    this.name = name;
    this.hooks = hooks;
    this.entries = load(name);
    this.tries = 0;
    this.sending = false;
    this.timer = 0;
    this.own = new Map(); // versions that came of this host's own changes, by question and the version before
  }

  start() {
    addEventListener("online", () => this.wake());
    this.hooks.changed(this.entries, this.tries);
    this.wake();
  }

  // Take something to do: where to send it, its fields, which question it is about, and how it reads.
  put({ url, fields, question = "", version = 0, label = "" }) {
    const entry = { url, fields, question, version, label, once: makeId() };
    this.catchUp(entry);
    this.entries.push(entry);
    this.keep();
    this.send();
    return entry.once;
  }

  drop(once) {
    this.entries = this.entries.filter((entry) => entry.once !== once);
    this.keep();
  }

  wake() {
    clearTimeout(this.timer);
    this.send();
  }

  async send() {
    if (this.sending || !this.entries.length) return;
    const entry = this.entries[0];
    this.sending = true;
    const outcome = await post(entry, this.hooks.token());
    this.sending = false;
    if (outcome.ok) {
      this.tries = 0;
      this.follow(entry, outcome.result);
      this.drop(entry.once);
      this.hooks.done(entry, outcome.result);
      this.send();
    } else if (outcome.refused) {
      this.tries = 0;
      this.drop(entry.once);
      this.hooks.refused(entry, outcome);
      this.send();
    } else {
      const wait = BACKOFF_MS[Math.min(this.tries, BACKOFF_MS.length - 1)];
      this.tries += 1;
      this.hooks.changed(this.entries, this.tries);
      this.timer = setTimeout(() => this.send(), wait);
    }
  }

  // What waits was meant for the question as this host left it: it follows his own change, and nobody else's.
  follow(sent, result) {
    if (!sent.question || result.version !== sent.version + 1) return;
    this.own.set(`${sent.question}:${sent.version}`, result.version);
    for (const entry of this.entries) if (entry !== sent) this.catchUp(entry);
  }

  catchUp(entry) {
    let version = entry.version;
    while (this.own.has(`${entry.question}:${version}`)) version = this.own.get(`${entry.question}:${version}`);
    entry.version = version;
    entry.fields = entry.fields.map(([name, value]) => [name, name === "version" ? String(version) : value]);
  }

  keep() {
    try {
      localStorage.setItem(this.name, JSON.stringify(this.entries));
    } catch {
      // A full or forbidden storage costs the survival of a reload, nothing else.
    }
    this.hooks.changed(this.entries, this.tries);
  }
}

async function post(entry, token) {
  const body = new URLSearchParams([...entry.fields, ["once", entry.once], ["form_token", token]]);
  try {
    const response = await fetch(entry.url, { method: "POST", body, headers: { Accept: "application/json" }, redirect: "manual" });
    if (response.ok || response.type === "opaqueredirect") return { ok: true, result: await read(response) };
    const said = await read(response);
    if (!GONE.has(response.status)) return { ok: false };
    return { ok: false, refused: true, status: response.status, ...(said.error ?? {}) };
  } catch {
    return { ok: false };
  }
}

async function read(response) {
  const text = response.type === "opaqueredirect" ? "" : await response.text();
  if ((response.headers.get("Content-Type") ?? "").includes("json")) return JSON.parse(text);
  const page = new DOMParser().parseFromString(text, "text/html");
  return { error: { message: page.querySelector("[data-error]")?.textContent ?? "" } };
}

function load(name) {
  try {
    return JSON.parse(localStorage.getItem(name) ?? "[]");
  } catch {
    return [];
  }
}

function makeId() {
  return [...crypto.getRandomValues(new Uint8Array(12))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
