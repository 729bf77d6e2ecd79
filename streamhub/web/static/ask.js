// The ask form, on a session's page and in a frame: what was typed survives a reload, photos are made small before they
// travel, and the puzzle of a flooded session is solved beside the page. Without this script the form works by itself.

const KEPT = ["text", "name", "email"];

function storage() {
  try {
    return window.sessionStorage;
  } catch {
    return null; // a frame may be denied it
  }
}

export function keepDraft(form, id) {
  const key = `streamhub-draft-${id}`;
  const draft = JSON.parse(storage()?.getItem(key) ?? "null");
  if (draft && !form.elements.text.value) {
    for (const name of KEPT) if (form.elements[name] && draft[name]) form.elements[name].value = draft[name];
    if (draft.shown) form.elements.shown.value = draft.shown;
    if (form.elements.tell) form.elements.tell.checked = Boolean(draft.tell);
  }
  const keep = () => {
    const now = { shown: form.elements.shown.value, tell: form.elements.tell?.checked };
    for (const name of KEPT) now[name] = form.elements[name]?.value;
    storage()?.setItem(key, JSON.stringify(now));
  };
  form.addEventListener("input", keep);
  form.addEventListener("change", keep);
}

export function dropDraft(id) {
  storage()?.removeItem(`streamhub-draft-${id}`);
}

// A photo of a phone has ten times the pixels that anybody looks at; on a bad line the small one arrives.
export async function shrinkPhoto(file) {
  if (!file || file.size < 400 * 1024) return file;
  try {
    const bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
    const scale = Math.min(1, 1600 / Math.max(bitmap.width, bitmap.height));
    const canvas = document.createElement("canvas");
    canvas.width = Math.max(1, Math.round(bitmap.width * scale));
    canvas.height = Math.max(1, Math.round(bitmap.height * scale));
    canvas.getContext("2d").drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    const blob = await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.85));
    return blob && blob.size < file.size ? new File([blob], "photo.jpg", { type: "image/jpeg" }) : file;
  } catch {
    return file; // the hub says what is wrong with it
  }
}

// The proof that a flooded session asks for; empty when it is not flooded, or when this browser cannot solve it.
export async function solvePuzzle(id) {
  try {
    const response = await fetch(`/api/v1/sessions/${id}/puzzle`);
    const { puzzle } = await response.json();
    if (!puzzle || !window.crypto?.subtle) return "";
    const note = document.getElementById("ask-puzzle");
    note.hidden = false;
    try {
      return await new Promise((done, fail) => {
        const worker = new Worker(new URL("./puzzle.js", import.meta.url));
        worker.onmessage = ({ data }) => {
          worker.terminate();
          done(data);
        };
        worker.onerror = fail;
        worker.postMessage(puzzle);
      });
    } finally {
      note.hidden = true;
    }
  } catch {
    return ""; // then a host looks at the question first
  }
}
