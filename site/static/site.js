/* Every page: when the site is opened from a disk, addresses of folders lead to their index file; and what says that it
 * holds until a day (data-until) says so in the past once that day is over, because pages are made without a clock.
 * Whoever turns to a search field finds the search page warm: what its head names is fetched then, and not before.
 * No module: browsers load none from a disk. */

for (const element of document.querySelectorAll("[data-until]")) {
  const now = new Date();
  const today = [now.getFullYear(), now.getMonth() + 1, now.getDate()].map((one) => String(one).padStart(2, "0")).join("-");
  element.classList.toggle("is-past", element.dataset.until < today);
}

if (location.protocol === "file:") {
  for (const link of document.querySelectorAll("a[href], form[action]")) {
    const name = link.hasAttribute("href") ? "href" : "action";
    const address = new URL(link.getAttribute(name), location.href);
    if (address.protocol === "file:" && address.pathname.endsWith("/")) {
      address.pathname += "index.html";
      link.setAttribute(name, address.href);
    }
  }
}

async function warmUp(address) {
  const answer = await fetch(address);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const one of page.head.querySelectorAll("link[rel=preload], link[rel=modulepreload], script[src]")) {
    const needed = new URL(one.getAttribute("href") ?? one.getAttribute("src"), answer.url);
    if (needed.origin === location.origin) fetch(needed, { priority: "low" }).catch(() => {});
  }
}

for (const form of document.querySelectorAll("form[role=search]:not([data-search-root])")) {
  const begin = () => warmUp(form.action).catch(() => {}); // the search page fetches what it needs in any case
  if (location.protocol !== "file:" && !navigator.connection?.saveData) form.addEventListener("focusin", begin, { once: true });
}
