// Two more keys of the console: r takes the run of show a step on, g says that the producer's note was seen.

const keysOn = document.getElementById("keys-on");
document.addEventListener("keydown", (event) => {
  if (!keysOn?.checked || event.ctrlKey || event.altKey || event.metaKey || !/^[rg]$/.test(event.key)) return;
  if (event.target.closest?.("input:not([type=checkbox]), textarea, select")) return;
  const button = document.querySelector(`[data-show-key="${event.key}"]`);
  if (!button) return;
  event.preventDefault();
  button.click();
});
