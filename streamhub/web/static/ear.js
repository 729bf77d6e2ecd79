// The console's look at what is heard: its state and the last words, told on the console's own line.

const ear = document.getElementById("ear");
const words = document.getElementById("ear-words");
const now = document.getElementById("ear-now");
const LAST = 3;

document.addEventListener("words-heard", ({ detail }) => ear && show(detail));

// What was said before this page listened.
document.addEventListener("console-connected", async () => {
  if (!ear) return;
  try {
    const response = await fetch(`/api/v1/sessions/${ear.dataset.session}/captions`, { cache: "no-cache" });
    const whole = response.ok ? await response.json() : { cues: [] };
    if (!whole.cues.length) return;
    while (words.children.length > 1) words.firstElementChild.remove();
    show({ ...whole, cues: whole.cues.slice(-LAST), gone: [] });
  } catch {
    // the next words come by themselves
  }
});

function show(told) {
  const says = document.getElementById("ear-says");
  const sentence = ear.getAttribute(`data-${told.listening}`);
  if (ear.dataset.ear !== told.listening && sentence) {
    ear.dataset.ear = told.listening;
    says.textContent = sentence;
    says.className = told.listening === "behind" ? "" : "quiet";
  }
  for (const cue of told.cues) {
    let said = [...words.children].find((one) => one.dataset.cue === cue.id);
    if (!said) {
      said = document.createElement("span");
      said.dataset.cue = cue.id;
      now.before(said, " ");
    }
    said.textContent = cue.text;
  }
  for (const id of told.gone) [...words.children].find((one) => one.dataset.cue === id)?.remove();
  while (words.children.length > LAST + 1) words.firstElementChild.remove();
  now.textContent = told.now?.text ?? "";
}
