// Shows the better plan once it is there; leaves the page alone where somebody has begun to change something.
const PAUSE_MS = 1500;
let touched = false;
addEventListener("input", () => { touched = true; });

async function look() {
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  if (page.getElementById("working")) setTimeout(look, PAUSE_MS);
  else if (!touched) location.reload();
}

setTimeout(look, PAUSE_MS);
