// Buttons that copy: what stands in `data-copy`, or the text of the element that `data-copy-from` names.

async function copy(button) {
  const source = button.dataset.copyFrom ? document.getElementById(button.dataset.copyFrom) : null;
  const label = button.textContent;
  try {
    await navigator.clipboard.writeText(source ? source.value : button.dataset.copy);
  } catch {
    source?.select(); // where copying is not allowed, two keys are left to press
    return;
  }
  button.textContent = button.dataset.copied;
  setTimeout(() => (button.textContent = label), 2000);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-copy], button[data-copy-from]");
  if (button) copy(button);
});
