// The ask form in a frame on somebody else's page. No cookie is needed: the asker's signed id is kept for this page.

import "./times.js";
import { dropDraft, keepDraft, solvePuzzle } from "./ask.js";

const id = document.querySelector("main[data-session]").dataset.session;
const form = document.getElementById("ask-form");
const said = document.getElementById("said");

function kept(value) {
  try {
    if (value) localStorage.setItem("streamhub-asker", value);
    return localStorage.getItem("streamhub-asker");
  } catch {
    return null; // then the form's own id serves while the frame stays open
  }
}

if (form) {
  if (said?.classList.contains("good")) {
    dropDraft(id);
    kept(form.elements.asker.value);
  }
  form.elements.asker.value = kept() ?? kept(form.elements.asker.value) ?? form.elements.asker.value;
  keepDraft(form, id);
  let solved = false;
  form.addEventListener("submit", async (event) => {
    if (solved) return;
    event.preventDefault();
    form.querySelector("button.primary").disabled = true;
    form.elements.proof.value = await solvePuzzle(id);
    solved = true;
    form.querySelector("button.primary").disabled = false;
    form.requestSubmit();
  });
}
said?.focus();
