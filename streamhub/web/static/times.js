// Adds the reader's own time to every session's time that lies in another zone.

export function addLocalTimes(root = document) {
  for (const element of root.querySelectorAll("time[data-local]")) {
    const at = new Date(element.dateTime);
    const language = document.documentElement.lang;
    const mine = new Intl.DateTimeFormat(language, { weekday: "short", hour: "2-digit", minute: "2-digit" }).format(at);
    const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" }).format(at);
    element.removeAttribute("data-local");
    if (!element.textContent.includes(clock)) element.append(` – ${element.dataset.yourTime} ${mine}`);
  }
}

addLocalTimes();
