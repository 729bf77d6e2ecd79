/* Every page: when the site is opened from a disk, addresses of folders lead to their index file. Nothing else.
 * No module: browsers load none from a disk. */

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
