/* Every page: when the site is opened from a disk, addresses of folders lead to their index file; and what says that it
 * holds until a day (data-until) says so in the past once that day is over, because pages are made without a clock.
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
