// A training run to watch: conductances as widths of lines, the cost, and what the circuit answers.

import { chart, element } from "./charts.js";
import { said } from "./numbers.js";
import { listen } from "./server.js";

const SIZE = 320, EDGE = 22;

export class Learning {
  /** `open` shows a deck in the editor, `shown` tells what is there. */
  constructor(root, trainings, open, shown) {
    Object.assign(this, { root, trainings, shown });
    root.innerHTML = `<div class="row"><select aria-label="What is learned"></select><button class="start">Learn</button>
      <button class="keep" disabled title="Put the deck that has learned into the editor">Keep what it learned</button><output></output></div>
      <textarea class="table" hidden rows="6" aria-label="Samples" spellcheck="false" placeholder='Samples as CSV: sources and outputs, then a line each&#10;v1,v2,"v(o1,o2)"&#10;0,1,0.1'></textarea>
      <div class="run"><svg class="net" viewBox="0 0 ${SIZE} ${SIZE}"></svg><div><div class="cost"></div><table class="answers"></table></div></div>`;
    this.select = root.querySelector("select");
    this.table = root.querySelector(".table");
    this.button = root.querySelector(".start");
    this.keep = root.querySelector(".keep");
    this.note = root.querySelector("output");
    trainings.forEach((training, k) => this.select.add(new Option(training.title, k)));
    this.select.add(new Option("The deck in the editor, from samples of yours", "own"));
    this.select.addEventListener("change", () => (this.table.hidden = this.select.value !== "own"));
    this.button.addEventListener("click", () => (this.stop ? this.stop.abort() : this.run()));
    this.keep.addEventListener("click", () => open(this.learned, `${this.training.name}-learned.net`));
  }

  async run() {
    const own = this.select.value === "own";
    this.training = own ? { ...this.shown(), csv: this.table.value } : this.trainings[Number(this.select.value)];
    this.costs = { x: [], y: [] };
    this.keep.disabled = true;
    this.button.textContent = "Stop";
    this.note.textContent = "getting ready; on a new machine it compiles first";
    this.stop = new AbortController();
    try {
      await listen("training", this.training, (frame) => this.hear(frame), this.stop.signal);
    } catch (error) {
      if (error.name !== "AbortError") this.note.textContent = error.message;
    }
    this.stop = null;
    this.button.textContent = "Learn";
  }

  hear(frame) {
    if (frame.failed) this.note.textContent = frame.failed.map((d) => d.message).join("\n");
    else if (frame.network) this.begin(frame);
    else if (frame.deck) { this.learned = frame.deck; this.keep.disabled = false; }
    else {
      this.costs.x.push(frame.epoch);
      this.costs.y.push(frame.cost);
      this.frame = frame;
      // no more often than the screen shows it
      this.due ??= requestAnimationFrame(() => { this.due = null; this.draw(); });
    }
  }

  begin({ network, epochs, samples }) {
    this.epochs = epochs;
    Object.assign(this.training, samples);
    const net = this.root.querySelector(".net");
    net.replaceChildren();
    const at = network.places.map(([x, y]) => [EDGE + x * (SIZE - 2 * EDGE), EDGE + y * (SIZE - 2 * EDGE)]);
    this.lines = [];
    for (const [name, kind, p, q] of network.edges) {
      const line = element("line", { x1: at[p][0], y1: at[p][1], x2: at[q][0], y2: at[q][1], class: kind });
      line.append(element("title", {}, name));
      net.append(line);
      if (kind === "resistor") this.lines.push(line);
    }
    const { sources, watched } = this.training;
    network.nodes.forEach((name, k) => {
      if (!network.edges.some(([, , p, q]) => p === k || q === k)) return;
      const kind = sources.includes(name) ? "in" : watched.includes(name) ? "out" : "";
      net.append(element("circle", { cx: at[k][0], cy: at[k][1], r: 12, class: kind }));
      net.append(element("text", { x: at[k][0], y: at[k][1] }, name.slice(0, 4)));
    });
  }

  draw() {
    const { frame, training } = this;
    this.note.textContent = `epoch ${frame.epoch} of ${this.epochs}, error ${said(Math.sqrt(frame.cost), "V", 3)}`;
    const largest = Math.max(...frame.siemens);
    frame.siemens.forEach((g, k) => this.lines[k]?.setAttribute("stroke-width", (0.3 + 7 * (g / largest)).toFixed(2)));
    const panel = { kind: "lines", x: { label: "epoch" }, y: { label: "mean squared error (V²)", log: true }, curves: [{ label: "error", ...this.costs }] };
    this.root.querySelector(".cost").replaceChildren(chart(panel, 340, 190));
    const table = this.root.querySelector(".answers");
    const cells = (row, kind) => row.map((text) => `<${kind} class="number">${text}</${kind}>`).join("");
    table.innerHTML = `<tr>${cells([...training.columns, "answer", "target"], "th")}</tr>`
      + training.X.slice(0, 12).map((x, k) => `<tr>${cells([...x.slice(0, training.columns.length), said(frame.answers[k][0], "V", 3), said(training.Y[k][0], "V", 3)], "td")}</tr>`).join("");
  }
}
