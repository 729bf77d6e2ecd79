// Answers so far, kept fresh: the page is fetched anew now and then, and what is read or marked at the moment stays put.

const EVERY_MS = 8000;

function busy(place) {
  const selection = document.getSelection();
  const marked = selection && !selection.isCollapsed && place.contains(selection.anchorNode);
  return document.hidden || marked || place.querySelector("input:focus");
}

async function refresh() {
  const place = document.getElementById("spoken");
  if (!busy(place)) {
    try {
      const response = await fetch(location.href, { headers: { Accept: "text/html" } });
      if (response.ok) exchange(place, await response.text());
    } catch {
      // the line is gone: the next look tries again
    }
  }
  if (document.getElementById("spoken").dataset.live) setTimeout(refresh, EVERY_MS * (0.75 + Math.random() / 2));
}

function exchange(place, html) {
  const fresh = new DOMParser().parseFromString(html, "text/html").getElementById("spoken");
  if (!fresh || busy(place) || fresh.innerHTML === place.innerHTML) return;
  const focused = document.activeElement?.closest?.("[id]")?.id;
  place.replaceWith(fresh);
  if (focused) document.getElementById(focused)?.querySelector("a")?.focus({ preventScroll: true });
}

setTimeout(refresh, EVERY_MS);
