/* Buttons that copy: <button data-copy="id" data-message-copied data-message-failed> and a [data-copied] after it, which
 * says what happened. Copied is the value of a field, or the text of an element. Without this script the text is there
 * to be selected. No module, so that it works from a disk too. */

(() => {
  function read(source) {
    return source.value ?? source.textContent.replace(/\s+/g, " ").trim();
  }

  function select(source) {
    if (source.select) source.select();
    else getSelection().selectAllChildren(source);
  }

  async function copy(source) {
    try {
      await navigator.clipboard.writeText(read(source));
      return true;
    } catch {
      select(source); // where the clipboard is forbidden, as on pages without https
      return document.execCommand("copy");
    }
  }

  for (const link of document.querySelectorAll("a[data-address]")) link.textContent = link.href;
  for (const line of document.querySelectorAll("[data-root-of]")) {
    const root = new URL(line.dataset.rootOf, document.baseURI).href; // a site that does not know its own address learns it here
    line.value = line.value.replaceAll("{root}", root);
  }
  for (const button of document.querySelectorAll("[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      const done = await copy(document.getElementById(button.dataset.copy));
      const status = button.parentElement.querySelector("[data-copied]");
      status.textContent = "";
      status.textContent = done ? button.dataset.messageCopied : button.dataset.messageFailed;
    });
  }
})();
