/* The player: turns a link to a recording into a video or audio element, or into a platform's player in a frame, on click
 * and never before. Beside that, and without any recording too, it shows the words at the second that the address asks for.
 *
 *   <div data-player data-kind="video|audio|hls|frame" data-src data-start data-end [data-whole] data-clock="[[s,s,m,m],…]"
 *        [data-captions data-captions-language data-captions-label] data-message-failed data-message-ended>
 *     <a class="player-start" href="…#t=12,34">…</a> <p data-player-note role="status">…</p>
 *   </div>
 *   <span class="cue" id="t-c1" data-at="5" data-start="7" data-end="9.5">…</span>   times in seconds
 *   <span class="cue" data-rest data-at data-start data-end>… <a href="…#t-c9">…</a></span>   optional: where the rest of
 *                                                             a long answer stands
 *
 * data-start and data-end are seconds of the recording; data-at and the page's ?t= are seconds of the session, and
 * data-clock maps one to the other in milliseconds. Without this script the link opens the recording by itself.
 * No module, so that it works from a disk too.
 */

(() => {
  const HLS = "application/vnd.apple.mpegurl";
  const STOP_SLACK_S = 0.35;
  const ASK_EVERY_MS = 250;

  /** Second of the recording at a second of the session; null where nothing was recorded. */
  function toMediaSeconds(clock, sessionSeconds) {
    const at = sessionSeconds * 1000;
    for (const [start, end, mediaStart, mediaEnd] of clock) {
      if (at >= start && at <= end) {
        const share = end > start ? (at - start) / (end - start) : 0;
        return (mediaStart + share * (mediaEnd - mediaStart)) / 1000;
      }
    }
    return null;
  }

  /** The last cue that has begun; -1 before the first. Cues come sorted by their start. */
  function findCue(starts, seconds) {
    let low = 0;
    let high = starts.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (starts[middle] <= seconds) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  /** Second of the session in the address's ?t=; null when there is none. */
  function findAsked() {
    const asked = new URL(location.href).searchParams.get("t");
    return asked !== null && /^\d+(\.\d+)?s?$/.test(asked) ? parseFloat(asked) : null;
  }

  /** Addresses carry whole seconds: meant is the first cue that begins within that second, else the one being said. */
  function showAsked(seconds) {
    const cues = [...document.querySelectorAll(".cue[data-at]")].sort((left, right) => left.dataset.at - right.dataset.at);
    const starts = cues.map((one) => Number(one.dataset.at));
    const next = findCue(starts, seconds - 0.001) + 1;
    const cue = cues[starts[next] < seconds + 1 ? next : next - 1];
    if (cue && "rest" in cue.dataset) return readOn(cue, { search: `?t=${seconds}`, hash: "" });
    cue?.classList.add("is-asked");
    cue?.scrollIntoView({ block: "center" });
  }

  /** What is asked for stands with the whole session, because the answer is too long for its page: go there. */
  function readOn(rest, place) {
    location.replace(Object.assign(new URL(rest.querySelector("a").href), place));
  }

  /** Show what the address asks for: ?t=seconds of the session, or the cue of a #t-… that this page leaves out. */
  function findPlace() {
    const { hash } = location;
    if (!hash) {
      if (findAsked() !== null) showAsked(findAsked());
      return;
    }
    const rest = document.querySelector(".cue[data-rest]");
    if (rest && hash.startsWith("#t-") && !document.getElementById(decodeURIComponent(hash.slice(1)))) readOn(rest, { hash });
  }

  /** A recording in the browser's own element. */
  class FileDeck {
    constructor(box, seconds, heard) {
      const { kind, src, captions, captionsLanguage, captionsLabel } = box.dataset;
      this.element = document.createElement(kind === "audio" ? "audio" : "video");
      Object.assign(this.element, { controls: true, playsInline: true, preload: "auto" });
      if (captions) {
        const track = document.createElement("track");
        Object.assign(track, { kind: "captions", src: captions, srclang: captionsLanguage, label: captionsLabel });
        this.element.append(track);
      }
      const translation = document.querySelector("[data-track]");
      if (translation) {
        const { track: src, trackLanguage: srclang, trackLabel: label } = translation.dataset;
        this.element.append(Object.assign(document.createElement("track"), { kind: "subtitles", src, srclang, label }));
      }
      this.element.addEventListener("loadedmetadata", () => (this.element.currentTime = seconds), { once: true });
      this.element.addEventListener("timeupdate", () => heard.time(this.element.currentTime, !this.element.paused));
      this.element.addEventListener("error", heard.failed);
      this.element.src = `${src}#t=${seconds}`;
    }

    begin() {
      this.element.play().catch(() => {});
    }

    seek(seconds) {
      this.element.currentTime = seconds;
      this.begin();
    }

    pause() {
      this.element.pause();
    }
  }

  /** A platform's player in a frame. It is steered by messages, so that no script of the platform runs in this page:
   * it is asked to tell its time, and told where to go (the messages of YouTube's IFrame API). */
  class FrameDeck {
    #origin;
    #asking;
    #untold = []; // what is to be said to a frame that is on its way: until it is there, its window is of this page

    constructor(box, seconds, heard) {
      const address = new URL(box.dataset.src);
      this.#origin = address.origin;
      const wanted = { start: Math.floor(seconds), autoplay: 1, playsinline: 1, rel: 0, enablejsapi: 1, origin: location.origin };
      for (const [name, value] of Object.entries(wanted)) address.searchParams.set(name, value);
      this.element = document.createElement("iframe");
      Object.assign(this.element, {
        src: address.href,
        title: box.querySelector("strong").textContent,
        allow: "autoplay; encrypted-media; fullscreen; picture-in-picture",
        referrerPolicy: "strict-origin-when-cross-origin",
      });
      addEventListener("message", (event) => this.#onMessage(event, heard));
      this.element.addEventListener("load", () => this.#onLoad(), { once: true });
    }

    #onLoad() {
      const untold = this.#untold;
      this.#untold = null;
      untold.forEach((message) => this.#tell(message));
      this.#asking = setInterval(() => this.#tell({ event: "listening" }), ASK_EVERY_MS);
    }

    begin() {}

    seek(seconds) {
      this.#command("seekTo", [seconds, true]);
      this.#command("playVideo", []);
    }

    pause() {
      this.#command("pauseVideo", []);
    }

    #command(func, args) {
      this.#tell({ event: "command", func, args });
    }

    #tell(message) {
      if (this.#untold) {
        this.#untold.push(message);
        return;
      }
      this.element.contentWindow?.postMessage(JSON.stringify({ ...message, id: 1, channel: "widget" }), this.#origin);
    }

    #onMessage(event, heard) {
      if (event.source !== this.element.contentWindow || event.origin !== this.#origin) return;
      clearInterval(this.#asking);
      let said;
      try {
        said = JSON.parse(event.data);
      } catch {
        return; // not for us
      }
      if (said?.event === "onError") heard.failed();
      else if (typeof said?.info?.currentTime === "number") heard.time(said.info.currentTime, true);
    }
  }

  class Player {
    #box;
    #note;
    #deck = null;
    #start;
    #end;
    #cues;
    #starts;
    #now = null;
    #stopAt;
    #broken = false;

    constructor(box) {
      this.#box = box;
      this.#note = box.querySelector("[data-player-note]");
      this.#start = Number(box.dataset.start);
      this.#end = Number(box.dataset.end);
      this.#stopAt = "whole" in box.dataset ? Infinity : this.#end;
      this.#cues = [...document.querySelectorAll(".cue[data-start]")].sort(
        (left, right) => Number(left.dataset.start) - Number(right.dataset.start),
      );
      this.#starts = this.#cues.map((cue) => Number(cue.dataset.start));
    }

    listen() {
      this.#box.querySelector(".player-start").addEventListener("click", (event) => {
        if (event.ctrlKey || event.metaKey || event.shiftKey) return;
        if (this.#play(this.#asked() ?? this.#start)) event.preventDefault();
      });
      document.addEventListener("click", (event) => this.#onClick(event));
    }

    /** Where the address says to begin: ?t=seconds of the session, or #t-<cue>. */
    #asked() {
      const cue = location.hash.startsWith("#t-") ? document.getElementById(decodeURIComponent(location.hash.slice(1))) : null;
      return cue?.dataset.start ? Number(cue.dataset.start) : this.#askedBySecond();
    }

    #askedBySecond() {
      const asked = findAsked();
      return asked === null ? null : toMediaSeconds(JSON.parse(this.#box.dataset.clock), asked);
    }

    #onClick(event) {
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.shiftKey) return;
      const link = event.target.closest("a[data-cue]");
      const cue = link ? document.getElementById(link.dataset.cue) : event.target.closest(".cue");
      if (!cue?.dataset.start || (!link && (!this.#deck || event.target.closest("a") || String(getSelection())))) return;
      // A link to a cue leads there in any case; a platform's player is loaded by its own button alone.
      if (this.#deck || this.#box.dataset.kind !== "frame") this.#play(Number(cue.dataset.start));
    }

    /** Whether it plays here; else the link may do what links do. */
    #play(seconds) {
      const { kind } = this.#box.dataset;
      this.#stopAt = seconds < this.#end - STOP_SLACK_S ? this.#stopAt : Infinity;
      if (this.#deck) {
        this.#deck.seek(seconds);
        return true;
      }
      if (this.#broken) return false;
      if (kind === "frame" && location.protocol === "file:") return false; // platforms want to know who shows them
      if (kind === "hls" && !document.createElement("video").canPlayType(HLS)) {
        this.#broken = true;
        this.#say(this.#box.dataset.messageFailed);
        return true;
      }
      const heard = { time: (at, playing) => this.#follow(at, playing), failed: () => this.#fail() };
      this.#deck = new (kind === "frame" ? FrameDeck : FileDeck)(this.#box, seconds, heard);
      this.#box.classList.add("is-open");
      this.#box.querySelector(".player-start").hidden = true;
      this.#box.prepend(this.#deck.element);
      this.#say("");
      this.#deck.element.focus({ preventScroll: true });
      this.#deck.begin();
      return true;
    }

    #fail() {
      this.#deck?.element.remove();
      this.#deck = null;
      this.#broken = true;
      this.#box.classList.remove("is-open");
      this.#box.querySelector(".player-start").hidden = false;
      this.#say(this.#box.dataset.messageFailed);
    }

    #say(text) {
      this.#note.textContent = text;
      this.#note.hidden = !text;
    }

    #follow(seconds, playing) {
      if (seconds >= this.#stopAt && playing) {
        this.#stopAt = Infinity;
        this.#deck.pause();
        this.#say(this.#box.dataset.messageEnded);
      }
      const cue = this.#cues[findCue(this.#starts, seconds)] ?? null;
      if (cue === this.#now) return;
      const before = this.#now;
      before?.classList.remove("is-now");
      before?.removeAttribute("aria-current");
      cue?.classList.add("is-now");
      cue?.setAttribute("aria-current", "true");
      this.#now = cue;
      // Follow only a reader who is looking at what is being said.
      if (cue && before && isVisible(before) && !isVisible(cue)) cue.scrollIntoView({ block: "center", behavior: scrollManner() });
    }
  }

  function isVisible(element) {
    const box = element.getBoundingClientRect();
    return box.bottom > 0 && box.top < innerHeight;
  }

  const scrollManner = () => (matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth");

  for (const box of document.querySelectorAll("[data-player]")) if (box.dataset.kind !== "link") new Player(box).listen();
  findPlace();
})();
