// Painting a week: what is ticked one by one without this is dragged over, or filled by day and by hour.
const table = document.querySelector("table.week");

if (table) {
  let paint = null; // what the drag makes of each hour: ticked or not
  const boxOf = (target) => target?.closest?.("td")?.querySelector("input");
  const fill = (boxes) => {
    const all = boxes.every((box) => box.checked);
    boxes.forEach((box) => { box.checked = !all; });
  };

  table.addEventListener("pointerdown", (event) => {
    const box = boxOf(event.target);
    if (!box || event.button) return;
    event.target.releasePointerCapture?.(event.pointerId);
    paint = !box.checked;
    box.checked = paint;
  });
  table.addEventListener("pointermove", (event) => {
    if (paint === null) return;
    const box = boxOf(document.elementFromPoint(event.clientX, event.clientY));
    if (box) box.checked = paint;
  });
  for (const end of ["pointerup", "pointercancel"]) addEventListener(end, () => { paint = null; });
  // The press has painted already; a click that comes from a key has no press before it and toggles as ever.
  table.addEventListener("click", (event) => { if (event.detail && boxOf(event.target)) event.preventDefault(); });

  const rows = [...table.querySelectorAll("tbody tr")].map((row) => [...row.querySelectorAll("input")]);
  table.querySelectorAll("thead th").forEach((head, column) => {
    if (column) head.addEventListener("click", () => fill(rows.map((row) => row[column - 1])));
  });
  table.querySelectorAll("tbody th").forEach((head, row) => {
    head.addEventListener("click", () => fill(rows[row]));
  });
  table.classList.add("paints");
}
