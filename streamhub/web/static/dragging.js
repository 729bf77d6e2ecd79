// Dragging in the queue, by mouse, pen and finger; buttons and keys do the same for everybody else.

// drop(moved, before): the item that was moved, and the one it was dropped before; null at the end.
export function makeDraggable(root, drop) {
  let held = null;

  root.addEventListener("pointerdown", (event) => {
    const handle = event.target.closest("[data-handle]");
    const item = handle?.closest("#queue [data-item]");
    if (!item || event.button > 0) return;
    event.preventDefault();
    held = { item, pointer: event.pointerId, from: item.nextElementSibling };
    handle.setPointerCapture(event.pointerId);
    item.classList.add("dragged");
  });

  root.addEventListener("pointermove", (event) => {
    if (!held || event.pointerId !== held.pointer) return;
    const list = held.item.parentElement;
    const others = [...list.children].filter((item) => item !== held.item);
    const next = others.find((item) => event.clientY < item.getBoundingClientRect().top + item.offsetHeight / 2);
    if ((next ?? null) !== held.item.nextElementSibling) list.insertBefore(held.item, next ?? null);
    if (event.clientY < 60) scrollBy(0, -12);
    else if (event.clientY > innerHeight - 60) scrollBy(0, 12);
  });

  function end(event) {
    if (!held || event.pointerId !== held.pointer) return;
    const { item, from } = held;
    held = null;
    item.classList.remove("dragged");
    if (event.type === "pointercancel") item.parentElement.insertBefore(item, from);
    else if (item.nextElementSibling !== from) drop(item, item.nextElementSibling);
  }
  root.addEventListener("pointerup", end);
  root.addEventListener("pointercancel", end);

  return { isDragging: () => held !== null };
}
