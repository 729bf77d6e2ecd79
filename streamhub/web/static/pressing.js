// While somebody presses, what is under the pointer stands still: a click counts only if its button is still there.

let pressed = false;
const waiting = [];

addEventListener("pointerdown", () => (pressed = true), true);
for (const name of ["pointerup", "pointercancel", "blur"]) {
  addEventListener(
    name,
    (event) => {
      if (name === "blur" && event.target !== window) return;
      pressed = false;
      setTimeout(() => {
        for (const go of waiting.splice(0)) go();
      });
    },
    true,
  );
}

// Resolves once nothing is pressed any more, and at the latest after three seconds.
export async function released() {
  if (!pressed) return;
  await new Promise((go) => {
    waiting.push(go);
    setTimeout(go, 3000);
  });
}
