// Adds the reader's own time to every session's time that lies in another zone.

export function addLocalTimes(root = document) {
  for (const element of root.querySelectorAll("time[data-local]")) {
    const at = new Date(element.dateTime);
    const language = document.documentElement.lang === "en" ? "en-GB" : document.documentElement.lang;
    const mine = new Intl.DateTimeFormat(language, { weekday: "short", hour: "2-digit", minute: "2-digit" }).format(at);
    const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" }).format(at);
    element.removeAttribute("data-local");
    if (!element.textContent.includes(clock)) element.append(` – ${element.dataset.yourTime} ${mine}`);
  }
}

// A time to wait in its two largest units, as the server writes it too.
export function tickCountdown(element) {
  const language = document.documentElement.lang === "en" ? "en-GB" : document.documentElement.lang;
  const leftMs = new Date(element.dataset.starts) - Date.now();
  if (leftMs <= 0) {
    element.textContent = element.dataset.over;
    return;
  }
  const minutes = Math.floor(leftMs / 60000);
  const parts = [[Math.floor(minutes / 1440), "day"], [Math.floor((minutes % 1440) / 60), "hour"], [minutes % 60, "minute"]];
  const shown = parts.filter(([count]) => count).slice(0, 2);
  const texts = (shown.length ? shown : [[1, "minute"]]).map(([count, unit]) =>
    new Intl.NumberFormat(language, { style: "unit", unit, unitDisplay: "long" }).format(count));
  const text = element.dataset.pattern.replace("{}", texts.join(", "));
  if (element.textContent !== text) element.textContent = text;
}

addLocalTimes();
