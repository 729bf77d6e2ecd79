// Where a player joined a live broadcast. Captions and marks count from the first moment of the broadcast's list of pieces, and so
// does Safari's player; Chromium's counts from the piece that it began with, and tells nobody which one that was. But what it
// asked for stands in the browser's own record of requests: the first piece of the list, to look at it, then the one to begin with.

const WANTED = 2; // pieces: by then it is clear which one came first
const PATIENCE_S = 2; // of playing: by then a browser that keeps such a record has them

// watchJoin(video, told): calls `told` once, when it plays, with the milliseconds of the broadcast before the player's beginning.
export function watchJoin(video, told) {
  performance.clearResourceTimings(); // the record is short, and an earlier player's requests do not count
  const look = async () => {
    const asked = piecesOf(video);
    if (asked.length < WANTED && video.currentTime < PATIENCE_S) return;
    video.removeEventListener("timeupdate", look);
    told(asked.length < WANTED ? 0 : await findLead(video.currentSrc, asked));
  };
  video.addEventListener("timeupdate", look);
}

function piecesOf(video) {
  const folder = new URL(".", video.currentSrc).href;
  const asked = performance.getEntriesByType("resource").filter((one) => one.initiatorType === "video" && one.name.startsWith(folder));
  return asked.map((one) => one.name).filter((name) => !new URL(name).pathname.endsWith(".m3u8"));
}

async function findLead(list, [looked, then]) {
  const response = await fetch(list, { credentials: "omit" });
  if (!response.ok) return 0;
  const before = new Map(); // a piece's address -> milliseconds before it
  let at = 0;
  let lasts = 0;
  for (const line of (await response.text()).split("\n").map((one) => one.trim())) {
    if (line.startsWith("#EXTINF:")) lasts = Number.parseFloat(line.slice("#EXTINF:".length)) * 1000;
    else if (line && !line.startsWith("#")) {
      before.set(new URL(line, list).href, at);
      at += lasts;
    }
  }
  const order = [...before.keys()];
  const follows = order.indexOf(then) - order.indexOf(looked) <= 1;
  return before.get(follows ? looked : then) ?? 0;
}
