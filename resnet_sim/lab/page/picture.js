// The schematic: shown whole, zoomed by the wheel, moved by dragging, clicked.

export class Picture {
  /** `clicked` gets the name and the kind of an element. */
  constructor(root, clicked) {
    this.root = root;
    this.sheet = root.querySelector(".sheet");
    this.whole = this.view = null;
    this.sheet.addEventListener("wheel", (event) => this.zoom(event), { passive: false });
    this.sheet.addEventListener("pointerdown", (event) => this.grab(event, clicked));
    root.querySelector("#fit").addEventListener("click", () => this.fit());
  }

  show(svg) {
    this.sheet.innerHTML = svg; // of our own server, which escapes what it is made of
    this.svg = this.sheet.querySelector("svg");
    this.svg.removeAttribute("width");
    this.svg.removeAttribute("height");
    const box = this.svg.getAttribute("viewBox");
    if (box === this.whole && this.view) this.svg.setAttribute("viewBox", this.view.join(" "));
    else { this.whole = box; this.view = null; }
    this.source = svg;
    this.root.classList.remove("stale");
  }

  clear(note) {
    this.sheet.replaceChildren();
    this.svg = this.source = null;
    this.root.querySelector("#picture-note").textContent = note;
  }

  stale() { this.root.classList.add("stale"); }

  fit() {
    this.view = null;
    this.svg?.setAttribute("viewBox", this.whole);
  }

  choose(name) {
    for (const symbol of this.sheet.querySelectorAll(".symbol")) symbol.classList.toggle("chosen", symbol.dataset.element === name);
  }

  /** Pixels of the screen per unit of the picture, and where its corner is. */
  place() {
    const view = this.view ?? this.whole.split(" ").map(Number), box = this.svg.getBoundingClientRect();
    const scale = Math.min(box.width / view[2], box.height / view[3]);
    return { view, scale, left: box.left + (box.width - view[2] * scale) / 2, top: box.top + (box.height - view[3] * scale) / 2 };
  }

  zoom(event) {
    if (!this.svg) return;
    event.preventDefault();
    const { view, scale, left, top } = this.place(), factor = 1.0015 ** event.deltaY;
    const x = view[0] + (event.clientX - left) / scale, y = view[1] + (event.clientY - top) / scale;
    this.look([x - (x - view[0]) * factor, y - (y - view[1]) * factor, view[2] * factor, view[3] * factor]);
  }

  look(view) {
    this.view = view;
    this.svg.setAttribute("viewBox", view.join(" "));
  }

  grab(event, clicked) {
    if (!this.svg || event.button) return;
    const start = this.place(), symbol = event.target.closest("[data-element]");
    let moved = false;
    const move = (e) => {
      const dx = e.clientX - event.clientX, dy = e.clientY - event.clientY;
      moved ||= Math.hypot(dx, dy) > 4;
      if (!moved) return;
      this.sheet.classList.add("moving");
      const [x, y, w, h] = start.view;
      this.look([x - dx / start.scale, y - dy / start.scale, w, h]);
    };
    const end = () => {
      removeEventListener("pointermove", move);
      this.sheet.classList.remove("moving");
      if (!moved && symbol) clicked(symbol.dataset.element, symbol.dataset.kind);
    };
    addEventListener("pointermove", move);
    addEventListener("pointerup", end, { once: true });
  }
}
