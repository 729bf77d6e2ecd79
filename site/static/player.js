/* The player: turns a link to a recording into a video or audio element, on click and never before. Beside that, and
 * without any recording too, it shows the words at the second that the address asks for.
 *
 *   <div data-player data-kind="video|audio|hls" data-src data-start data-end [data-whole] data-clock="[[s,s,m,m],…]"
 *        [data-captions data-captions-language data-captions-label] data-message-failed data-message-ended>
 *     <a class="player-start" href="…#t=12,34">…</a> <p data-player-note role="status">…</p>
 *   </div>
 *   <span class="cue" id="t-c1" data-at="5" data-start="7" data-end="9.5">…</span>   times in seconds
 *
 * data-start and data-end are seconds of the recording; data-at and the page's ?t= are seconds of the session, and
 * data-clock maps one to the other in milliseconds. Without this script the link opens the recording by itself.
 * No module, so that it works from a disk too.
 */

(() => {
  const HLS = "application/vnd.apple.mpegurl";
  const STOP_SLACK_S = 0.35;

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
    cue?.classList.add("is-asked");
    cue?.scrollIntoView({ block: "center" });
  }

  class Player {
    #box;
    #note;
    #media = null;
    #start;
    #end;
    #cues;
    #starts;
    #now = null;
    #stopAt;

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
        event.preventDefault();
        this.#play(this.#asked() ?? this.#start);
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
      if (!cue?.dataset.start || (!link && (!this.#media || event.target.closest("a") || String(getSelection())))) return;
      this.#play(Number(cue.dataset.start));
    }

    #play(seconds) {
      this.#stopAt = seconds < this.#end - STOP_SLACK_S ? this.#stopAt : Infinity;
      if (this.#media) {
        this.#media.currentTime = seconds;
        this.#media.play().catch(() => {});
        return;
      }
      const { kind, src, captions, captionsLanguage, captionsLabel } = this.#box.dataset;
      const media = document.createElement(kind === "audio" ? "audio" : "video");
      if (kind === "hls" && !media.canPlayType(HLS)) {
        this.#say(this.#box.dataset.messageFailed);
        return;
      }
      media.controls = true;
      media.playsInline = true;
      media.preload = "auto";
      if (captions) {
        const track = document.createElement("track");
        Object.assign(track, { kind: "captions", src: captions, srclang: captionsLanguage, label: captionsLabel });
        media.append(track);
      }
      const translation = document.querySelector("[data-track]");
      if (translation) {
        const { track: src, trackLanguage: srclang, trackLabel: label } = translation.dataset;
        media.append(Object.assign(document.createElement("track"), { kind: "subtitles", src, srclang, label }));
      }
      media.addEventListener("loadedmetadata", () => (media.currentTime = seconds), { once: true });
      media.addEventListener("timeupdate", () => this.#follow());
      media.addEventListener("error", () => this.#fail());
      media.src = `${src}#t=${seconds}`;
      this.#media = media;
      this.#box.classList.add("is-open");
      this.#box.querySelector(".player-start").hidden = true;
      this.#box.prepend(media);
      this.#say("");
      media.focus({ preventScroll: true });
      media.play().catch(() => {});
    }

    #fail() {
      this.#media.remove();
      this.#media = null;
      this.#box.classList.remove("is-open");
      this.#box.querySelector(".player-start").hidden = false;
      this.#say(this.#box.dataset.messageFailed);
    }

    #say(text) {
      this.#note.textContent = text;
      this.#note.hidden = !text;
    }

    #follow() {
      const seconds = this.#media.currentTime;
      if (seconds >= this.#stopAt && !this.#media.paused) {
        this.#stopAt = Infinity;
        this.#media.pause();
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
  if (findAsked() !== null && !location.hash) showAsked(findAsked());
})();
