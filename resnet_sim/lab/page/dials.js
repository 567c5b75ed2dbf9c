// Values to turn: a slider and a field for each, and switches.

import { read, rounded, said } from "./numbers.js";

const STEPS = 400;
const MOST_WITHOUT_FILTER = 10;
const OBVIOUS = ["resistor", "voltage source", "current source"]; // their units tell

/** What a slider spans, around the value that it begins with. */
function spanOf(dial) {
  const size = Math.abs(dial.value);
  if (dial.kind.includes("source") || dial.kind === "diode" || dial.value <= 0) {
    const reach = size ? 2 * size : 1;
    return { low: dial.kind === "diode" ? 0 : -reach, high: dial.kind === "diode" ? Math.max(1, reach) : reach, log: false };
  }
  return { low: dial.value / 10, high: dial.value * 10, log: true };
}

class Dial {
  constructor(turn, sweep, choose) {
    this.root = document.createElement("div");
    this.root.className = "dial";
    this.root.innerHTML = '<b></b><input type="text"><button title="Sweep it over the range of its slider">~</button><input type="range">';
    [this.name, this.field, this.button, this.slider] = this.root.children;
    Object.assign(this.slider, { min: 0, max: STEPS, step: 1 });
    this.held = false;
    this.slider.addEventListener("input", () => this.slid(turn));
    for (const end of ["change", "pointerup", "blur"]) this.slider.addEventListener(end, () => { this.held = false; });
    this.slider.addEventListener("focus", () => { if (this.dial) choose(this.dial.name); });
    this.field.addEventListener("change", () => this.typed(turn));
    this.button.addEventListener("click", () => { if (this.dial) sweep({ name: this.dial.name, ...this.span }); });
  }

  slid(turn) {
    if (!this.dial) return; // another deck is on its way
    this.held = true;
    this.set(this.at(Number(this.slider.value)));
    turn(this.dial.name, this.value);
  }

  typed(turn) {
    if (!this.dial) return;
    const value = read(this.field.value);
    if (!Number.isFinite(value)) return this.set(this.dial.value);
    turn(this.dial.name, value);
  }

  at(place) {
    const { low, high, log } = this.span, share = place / STEPS;
    const value = log ? low * (high / low) ** share : low + share * (high - low);
    // an exact zero can be reached
    return !log && Math.abs(value) < (high - low) / STEPS / 2 ? 0 : rounded(value);
  }

  set(value) {
    this.value = value;
    if (document.activeElement !== this.field) this.field.value = said(value, this.dial.unit);
  }

  show(dial, kept) {
    const other = this.dial?.name !== dial.name || this.dial?.kind !== dial.kind;
    if (other) this.held = false;
    this.dial = dial;
    this.root.dataset.dial = dial.name;
    this.root.classList.toggle("kept", kept);
    this.root.title = kept ? `${dial.kind}, kept beside the deck: no card gives it as a number` : dial.kind;
    if (other) {
      this.name.replaceChildren(dial.name, Object.assign(document.createElement("small"), { textContent: OBVIOUS.includes(dial.kind) ? "" : dial.kind }));
      this.slider.setAttribute("aria-label", `${dial.name}, ${dial.kind}`);
      this.field.setAttribute("aria-label", `value of ${dial.name}`);
    }
    if (this.held) return;
    const { low, high } = this.span ?? { low: 1, high: 0 };
    if (other || dial.value < low || dial.value > high) this.span = spanOf(dial);
    this.set(dial.value);
    const { low: a, high: b, log } = this.span;
    const share = log ? Math.log(dial.value / a) / Math.log(b / a) : (dial.value - a) / (b - a);
    this.slider.value = Math.round(share * STEPS);
    this.slider.setAttribute("aria-valuetext", said(dial.value, dial.unit));
  }
}

export class Dials {
  constructor(root, filter, calls) {
    Object.assign(this, { root, filter, calls, all: [] });
    filter.addEventListener("input", () => this.sift());
  }

  show(dials, kept) {
    while (this.all.length < dials.length) {
      const dial = new Dial(this.calls.turn, this.calls.sweep, this.calls.choose);
      this.all.push(dial);
      this.root.append(dial.root);
    }
    while (this.all.length > dials.length) this.all.pop().root.remove();
    dials.forEach((dial, k) => this.all[k].show(dial, dial.name in kept));
    this.filter.hidden = dials.length <= MOST_WITHOUT_FILTER;
    this.sift();
  }

  /** Let the sliders begin anew: their values are those of another deck. */
  forget() {
    for (const dial of this.all) dial.dial = undefined;
  }

  sift() {
    const word = this.filter.hidden ? "" : this.filter.value.trim().toLowerCase();
    for (const { dial, root } of this.all) if (dial) root.hidden = !`${dial.name} ${dial.kind}`.includes(word);
  }

  choose(name) {
    for (const { dial, root } of this.all) {
      root.classList.toggle("chosen", dial?.name === name);
      if (dial?.name === name) root.scrollIntoView({ block: "nearest" });
    }
  }
}

/** Switches: open, closed, or as their controls say. */
export function showSwitches(root, switches, closed, hold) {
  root.replaceChildren(...switches.map(({ name, held }) => {
    const row = Object.assign(document.createElement("div"), { className: "switch" });
    row.append(Object.assign(document.createElement("b"), { textContent: name }));
    const group = row.appendChild(Object.assign(document.createElement("span"), { className: "group" }));
    const now = closed?.[name];
    for (const [text, state] of [["open", false], ["closed", true], ["auto", null]]) {
      const button = group.appendChild(Object.assign(document.createElement("button"), { textContent: text }));
      button.setAttribute("aria-pressed", held ? now === state : state === null);
      button.addEventListener("click", () => hold(name, state));
    }
    return row;
  }));
}
