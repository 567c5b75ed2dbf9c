// Charts: curves, bars and histograms as SVG, with the values under the pointer.

import { said } from "./numbers.js";

const NS = "http://www.w3.org/2000/svg";
const LEFT = 74, RIGHT = 14, TOP = 24, BOTTOM = 38;
let WIDTH = 640, HEIGHT = 250; // of the chart that is drawn
const colour = (k) => `var(--curve-${k % 8})`;

export function element(name, attributes = {}, text = "") {
  const made = document.createElementNS(NS, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text) made.textContent = text;
  return made;
}

/** Round values between two others, about `count` of them. */
function ticks(low, high, count, log) {
  if (log) {
    const first = Math.ceil(Math.log10(low) - 1e-9), last = Math.floor(Math.log10(high) + 1e-9);
    const step = Math.max(1, Math.ceil((last - first + 1) / count));
    const found = [];
    for (let k = first; k <= last; k += step) found.push(10 ** k);
    if (found.length > 1) return found;
  }
  const raw = (high - low) / count, power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].map((m) => m * power).find((s) => s >= raw * 0.999);
  const found = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; k++) found.push(k * step);
  return found;
}

function range(values, log) {
  let low = Infinity, high = -Infinity;
  for (const v of values) if (v !== null && (!log || v > 0)) { low = Math.min(low, v); high = Math.max(high, v); }
  if (low > high) return [0, 1];
  if (high - low <= 1e-9 * Math.max(Math.abs(low), Math.abs(high))) {
    const half = Math.abs(low) / 2 || 1;
    return log ? [low / 2, high * 2] : [low - half, high + half];
  }
  return [low, high];
}

class Scale {
  constructor(values, log, from, to, slack = 0) {
    this.log = log;
    [this.low, this.high] = range(values, log);
    if (slack && !log) {
      const more = slack * (this.high - this.low);
      this.low -= more; this.high += more;
    }
    Object.assign(this, { from, to });
  }

  at(value) {
    const f = this.log ? Math.log10 : (x) => x;
    return this.from + ((f(value) - f(this.low)) / (f(this.high) - f(this.low))) * (this.to - this.from);
  }
}

/** The element that shows a panel, as resnet_sim.plotting.charts describes it. */
export function chart(panel, width = 640, height = 250) {
  [WIDTH, HEIGHT] = [width, height];
  const figure = document.createElement("figure");
  figure.className = "chart";
  const svg = figure.appendChild(element("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": `${panel.y.label} over ${panel.x.label}` }));
  if (panel.kind === "lines") lines(figure, svg, panel);
  else bars(svg, panel);
  svg.style.maxWidth = `${width}px`;
  const legend = figure.appendChild(document.createElement("div"));
  legend.className = "legend";
  if (panel.kind === "lines" && panel.curves.length > 1) panel.curves.slice(0, 24).forEach((curve, k) => entry(legend, curve.label, colour(k)));
  for (const note of [...(panel.marks ?? []).map(([label]) => label), ...(panel.notes ?? [])]) entry(legend, note);
  return figure;
}

function entry(legend, text, stroke) {
  const item = legend.appendChild(document.createElement("span"));
  if (stroke) item.appendChild(document.createElement("i")).style.background = stroke;
  item.append(text);
}

function axes(svg, panel, x, y) {
  for (const value of ticks(y.low, y.high, 5, y.log)) {
    const at = y.at(value);
    svg.append(element("line", { class: "grid", x1: LEFT, x2: WIDTH - RIGHT, y1: at, y2: at }));
    svg.append(element("text", { x: LEFT - 7, y: at + 4, "text-anchor": "end" }, said(value, panel.y.unit, 4)));
  }
  for (const value of ticks(x.low, x.high, 6, x.log)) {
    const at = x.at(value);
    svg.append(element("line", { class: "grid", x1: at, x2: at, y1: TOP, y2: HEIGHT - BOTTOM }));
    svg.append(element("text", { x: at, y: HEIGHT - BOTTOM + 15, "text-anchor": "middle" }, said(value, panel.x.unit, 4)));
  }
  svg.append(element("rect", { class: "frame", x: LEFT, y: TOP, width: WIDTH - LEFT - RIGHT, height: HEIGHT - TOP - BOTTOM }));
  svg.append(element("text", { class: "name", x: LEFT, y: TOP - 9 }, panel.y.label));
  svg.append(element("text", { class: "name", x: WIDTH - RIGHT, y: HEIGHT - 6, "text-anchor": "end" }, panel.x.label));
}

function lines(figure, svg, panel) {
  const x = new Scale(panel.curves.flatMap((c) => c.x), panel.x.log, LEFT, WIDTH - RIGHT);
  const y = new Scale(panel.curves.flatMap((c) => c.y), panel.y.log, HEIGHT - BOTTOM, TOP, 0.05);
  axes(svg, panel, x, y);
  panel.curves.forEach((curve, k) => {
    let path = "", pen = "M";
    curve.y.forEach((value, j) => {
      if (value === null || (y.log && value <= 0)) { pen = "M"; return; }
      path += `${pen}${x.at(curve.x[j]).toFixed(1)} ${y.at(value).toFixed(1)}`;
      pen = "L";
    });
    svg.append(element("path", { class: "curve", d: path, style: `stroke: ${colour(k)}` }));
  });
  for (const [label, mx, my] of panel.marks ?? []) {
    if (mx === null) continue;
    if (my === null) svg.append(element("line", { class: "cursor", x1: x.at(mx), x2: x.at(mx), y1: TOP, y2: HEIGHT - BOTTOM }));
    else svg.append(element("circle", { cx: x.at(mx), cy: y.at(my), r: 4, style: "fill: var(--accent)" })).append?.(element("title", {}, label));
  }
  follow(figure, svg, panel, x);
}

/** Show what the curves are at where the pointer is. */
function follow(figure, svg, panel, x) {
  const width = WIDTH;
  const line = element("line", { class: "cursor", y1: TOP, y2: HEIGHT - BOTTOM, visibility: "hidden" });
  svg.append(line);
  const tip = figure.appendChild(document.createElement("div"));
  tip.className = "tip";
  tip.hidden = true;
  svg.addEventListener("pointermove", (event) => {
    const box = svg.getBoundingClientRect(), at = ((event.clientX - box.left) / box.width) * width;
    const first = panel.curves[0];
    let near = 0;
    first.x.forEach((value, k) => { if (Math.abs(x.at(value) - at) < Math.abs(x.at(first.x[near]) - at)) near = k; });
    const here = first.x[near];
    line.setAttribute("x1", x.at(here)); line.setAttribute("x2", x.at(here)); line.setAttribute("visibility", "visible");
    const rows = panel.curves.slice(0, 10).map((c) => `${c.label}: ${said(c.y[near], panel.y.unit)}`);
    tip.textContent = [`${panel.x.label}: ${said(here, panel.x.unit)}`, ...rows].join("\n");
    tip.hidden = false;
    tip.style.left = `${Math.min(event.clientX - box.left + 14, box.width - tip.offsetWidth)}px`;
    tip.style.top = `${event.clientY - box.top + 8}px`;
  });
  svg.addEventListener("pointerleave", () => { tip.hidden = true; line.setAttribute("visibility", "hidden"); });
}

function bars(svg, panel) {
  const values = panel.curves.map((c) => c.y[0]);
  const step = (HEIGHT - TOP - BOTTOM) / values.length;
  const x = new Scale([0, ...values], false, LEFT, WIDTH - RIGHT);
  values.forEach((value, k) => {
    const [a, b] = [x.at(0), x.at(value ?? 0)];
    svg.append(element("rect", { x: Math.min(a, b), width: Math.abs(b - a), y: TOP + k * step, height: step * 0.8, style: `fill: ${colour(0)}` }));
    svg.append(element("text", { x: LEFT - 7, y: TOP + (k + 0.6) * step, "text-anchor": "end" }, panel.curves[k].label));
  });
}
