// Live state of a session, whatever the line is like: server-sent events as long as they work, and the snapshot every
// two seconds while they do not (the connection keeps failing, or the hub answers that it is full). Who polls tries the
// events again now and then. State and diffs are documented in streamhub/web/events.py.

const FAILURES = 3; // in a row, before polling begins
const POLL_MS = 2000;
const POLL_SLOWEST_MS = 30000;
const RETRY_MS = 45000;
const STABLE_MS = 5000;

function jitter(ms) {
  return ms * (0.75 + Math.random() / 2);
}

// follow({ events, snapshot, onState, onDiff, onWords, onLost, onFound }): the addresses, and what to do with a whole
// state, with a diff, with words that are said, when nothing comes any more, and when something comes again. `snapshot`
// may be missing: then nothing is polled.
export function follow({ events, snapshot, onState, onDiff, onWords, onLost, onFound }) {
  let source = null;
  let failures = 0;
  let polling = null;
  let pollMs = POLL_MS;
  let lost = false;

  function found() {
    if (lost) onFound?.();
    lost = false;
  }

  function lose() {
    if (!lost) onLost?.();
    lost = true;
  }

  function listen() {
    source?.close();
    source = new EventSource(events);
    source.addEventListener("state", (event) => hear(() => onState(JSON.parse(event.data))));
    source.addEventListener("diff", (event) => hear(() => onDiff(JSON.parse(event.data))));
    source.addEventListener("words", (event) => hear(() => onWords?.(JSON.parse(event.data))));
    source.addEventListener("open", () => {
      found();
      setTimeout(() => source.readyState === EventSource.OPEN && (failures = 0), STABLE_MS);
    });
    source.addEventListener("error", fail);
  }

  function hear(tell) {
    failures = 0;
    stopPolling();
    found();
    tell();
  }

  function fail() {
    failures += 1;
    const refused = source.readyState === EventSource.CLOSED;
    if (polling === null) lose();
    if (snapshot && (refused || failures >= FAILURES)) {
      source.close(); // so that there is one clock only by which it is tried again
      startPolling();
      setTimeout(listen, jitter(RETRY_MS));
    } else if (refused) setTimeout(listen, jitter(5000));
  }

  function startPolling() {
    if (polling !== null) return;
    pollMs = POLL_MS;
    polling = setTimeout(poll, Math.random() * POLL_MS);
  }

  function stopPolling() {
    clearTimeout(polling);
    polling = null;
  }

  async function poll() {
    const mine = polling;
    try {
      const response = await fetch(snapshot, { cache: "no-cache", credentials: "omit" });
      if (!response.ok) throw new Error(String(response.status));
      const state = await response.json();
      if (polling !== mine) return; // the events were back first
      pollMs = POLL_MS;
      found();
      onState(state);
    } catch {
      if (polling !== mine) return;
      pollMs = Math.min(POLL_SLOWEST_MS, pollMs * 2);
      lose();
    }
    polling = setTimeout(poll, jitter(pollMs));
  }

  listen();
}
