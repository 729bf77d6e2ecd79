// The tech check: looks at camera, microphone, speaker and line in this browser. Nothing is recorded, and nothing but
// meaningless bytes for timing is sent. Every sentence stands in the page and is only shown here.

const page = document.querySelector("main[data-check]");
const at = page.dataset.check;
const blockBytes = Number(page.dataset.block);
const token = page.dataset.token;
const MEASURE_MS = 5000;
const MOST_BLOCKS = 12;
const QUIET = 0.012;
const DARK = 6;

let stream = null;
let context = null;
let watching = 0;
let heard = false;
let since = 0;

function find(id) {
  return document.getElementById(id);
}

// Shows one of the sentences that a part of the page has ready, and says whether it is good news.
function say(part, code) {
  const box = find(part);
  const known = box.querySelector(`[data-say="${code}"]`) ?? box.querySelector('[data-say="other"]');
  if (!known || !known.hidden) return;
  for (const one of box.querySelectorAll("[data-say]")) one.hidden = one !== known;
  box.dataset.state = known.dataset.mood;
}

function toNumber(value, digits = 1) {
  return new Intl.NumberFormat(document.documentElement.lang, { maximumFractionDigits: digits }).format(value);
}

// The browser itself.

function lookAtBrowser() {
  const camera = Boolean(navigator.mediaDevices?.getUserMedia);
  if (!window.isSecureContext) say("browser", "insecure");
  else if (!camera || !window.RTCPeerConnection) say("browser", "old");
  else if (/FBAN|FBAV|Instagram|LinkedInApp|; wv\)/.test(navigator.userAgent)) say("browser", "inside");
  else say("browser", "good");
  return window.isSecureContext && camera;
}

// Camera and microphone.

const FAULTS = {
  NotAllowedError: "denied",
  SecurityError: "denied",
  NotFoundError: "none",
  OverconstrainedError: "none",
  NotReadableError: "taken",
  AbortError: "taken",
};

async function ask(what) {
  try {
    return [await navigator.mediaDevices.getUserMedia(what), ""];
  } catch (error) {
    return [null, FAULTS[error.name] ?? "other"];
  }
}

function chosen(id) {
  const value = find(id).value;
  return value ? { deviceId: { exact: value } } : true;
}

// Both at once, so that one question of the browser does; one after the other where that fails, to tell which it is.
let opening = false;

async function open() {
  if (opening) return; // the browser asks already
  opening = true;
  try {
    await openBoth();
  } finally {
    opening = false;
  }
}

async function openBoth() {
  stop();
  say("camera", "waits");
  say("microphone", "waits");
  context ??= new AudioContext();
  await context.resume();
  const [both] = await ask({ video: chosen("camera-choice"), audio: chosen("microphone-choice") });
  const tracks = both ? both.getTracks() : [];
  if (!both) {
    for (const [part, what] of [["camera", { video: chosen("camera-choice") }], ["microphone", { audio: chosen("microphone-choice") }]]) {
      const [one, fault] = await ask(what);
      if (one) tracks.push(...one.getTracks());
      else say(part, fault);
    }
  }
  stream = new MediaStream(tracks);
  find("stop").hidden = tracks.length === 0;
  await listDevices();
  if (stream.getVideoTracks().length) watchCamera();
  if (stream.getAudioTracks().length) watchMicrophone();
}

function stop() {
  cancelAnimationFrame(watching);
  for (const track of stream?.getTracks() ?? []) track.stop();
  stream = null;
  find("picture").srcObject = null;
  find("picture").hidden = true;
  find("stop").hidden = true;
}

async function listDevices() {
  const devices = await navigator.mediaDevices.enumerateDevices();
  for (const [id, kind] of [["camera-choice", "videoinput"], ["microphone-choice", "audioinput"]]) {
    const select = find(id);
    const found = devices.filter((device) => device.kind === kind && device.deviceId);
    const now = stream.getTracks().find((track) => (kind === "videoinput") === (track.kind === "video"))?.getSettings().deviceId;
    select.replaceChildren(...found.map((device, number) => new Option(device.label || `${number + 1}`, device.deviceId, false, device.deviceId === now)));
    select.closest("p").hidden = found.length < 2 || !now;
  }
}

function watchCamera() {
  const picture = find("picture");
  picture.srcObject = stream;
  picture.hidden = false;
  picture.play().catch(() => {});
  const canvas = document.createElement("canvas");
  canvas.width = 32;
  canvas.height = 18;
  const draw = canvas.getContext("2d", { willReadFrequently: true });
  const track = stream.getVideoTracks()[0];
  const began = performance.now();
  function look() {
    if (!track || track.readyState !== "live" || !stream?.getTracks().includes(track)) return;
    if (picture.videoWidth) {
      draw.drawImage(picture, 0, 0, 32, 18);
      const light = draw.getImageData(0, 0, 32, 18).data.reduce((sum, value, n) => sum + (n % 4 === 3 ? 0 : value), 0) / (32 * 18 * 3);
      if (light >= DARK) say("camera", Math.min(picture.videoWidth, picture.videoHeight) >= 480 ? "good" : "small");
      else if (performance.now() - began > 3000) say("camera", "dark");
      find("size").textContent = `${picture.videoWidth} × ${picture.videoHeight}`;
    } else if (performance.now() - began > 8000) {
      say("camera", "dark");
    }
    setTimeout(look, 500);
  }
  look();
}

function watchMicrophone() {
  const analyser = context.createAnalyser();
  analyser.fftSize = 2048;
  context.createMediaStreamSource(new MediaStream(stream.getAudioTracks())).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  const meter = find("level");
  heard = false;
  since = performance.now();
  say("microphone", "speak");
  meter.hidden = false;
  function look() {
    analyser.getFloatTimeDomainData(samples);
    const loud = Math.sqrt(samples.reduce((sum, value) => sum + value * value, 0) / samples.length);
    const peak = samples.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    meter.value = Math.min(1, Math.max(0, 1 + Math.log10(loud + 1e-6) / 2.5));
    if (loud > QUIET) heard = true;
    if (peak > 0.99) say("microphone", "loud");
    else if (heard) say("microphone", "good");
    else if (performance.now() - since > 8000) say("microphone", "silent");
    watching = requestAnimationFrame(look);
  }
  look();
}

// The speaker: two notes, softly.

async function play() {
  context ??= new AudioContext();
  await context.resume();
  for (const [number, pitch] of [523.25, 659.25].entries()) {
    const tone = context.createOscillator();
    const gain = context.createGain();
    const begin = context.currentTime + 0.05 + number * 0.45;
    tone.frequency.value = pitch;
    gain.gain.setValueAtTime(0, begin);
    gain.gain.linearRampToValueAtTime(0.2, begin + 0.05);
    gain.gain.linearRampToValueAtTime(0, begin + 0.4);
    tone.connect(gain).connect(context.destination);
    tone.start(begin);
    tone.stop(begin + 0.45);
  }
  say("speaker", "asked");
  find("heard").hidden = false;
}

// The line.

async function request(path, options = {}) {
  const response = await fetch(`${at}/check/${path}`, { cache: "no-store", ...options });
  if (!response.ok) throw new Error(String(response.status));
  return response.arrayBuffer();
}

async function takeTime(once) {
  const began = performance.now();
  let bytes = 0;
  for (let blocks = 0; blocks < MOST_BLOCKS && performance.now() - began < MEASURE_MS; blocks += 1) bytes += await once();
  return (bytes * 8) / (performance.now() - began) / 1000;
}

async function measure() {
  const button = find("measure");
  button.disabled = true;
  say("line", "waits");
  try {
    const times = [];
    for (let n = 0; n < 5; n += 1) {
      const began = performance.now();
      await request("down?size=1");
      times.push(performance.now() - began);
    }
    const down = await takeTime(async () => (await request(`down?size=${blockBytes}`)).byteLength);
    const block = new Uint8Array(blockBytes);
    for (let from = 0; from < blockBytes; from += 65536) crypto.getRandomValues(block.subarray(from, from + 65536));
    const headers = { "Content-Type": "application/octet-stream", ...(token ? { "X-Form-Token": token } : {}) };
    const up = await takeTime(async () => {
      await request("up", { method: "POST", body: block, headers });
      return blockBytes;
    });
    const wait = times.sort((a, b) => a - b)[2];
    find("down").textContent = toNumber(down);
    find("up").textContent = toNumber(up);
    find("wait").textContent = toNumber(wait, 0);
    find("measured").hidden = false;
    if (up < 1 || down < 1.5) say("line", "weak");
    else if (up < 3 || down < 3) say("line", "enough");
    else say("line", wait > 250 ? "slow" : "good");
  } catch (error) {
    say("line", error.message === "429" ? "often" : "broken");
  }
  button.disabled = false;
}

if (lookAtBrowser()) {
  find("open").hidden = false;
  find("open").addEventListener("click", open);
  find("stop").addEventListener("click", () => {
    stop();
    say("camera", "ready");
    say("microphone", "ready");
  });
  for (const id of ["camera-choice", "microphone-choice"]) find(id).addEventListener("change", open);
}
find("play").addEventListener("click", play);
find("heard-yes").addEventListener("click", () => say("speaker", "good"));
find("heard-no").addEventListener("click", () => say("speaker", "silent"));
find("measure").addEventListener("click", measure);
addEventListener("pagehide", stop);
