// The editor: a text area over a painted copy of its text, with messages where they belong.

const LINE = 20; // pixels, as in lab.css
const TAB = 8;
const MOST_PAINTED = 3000; // lines; longer decks are plain text

const escaped = (text) => text.replace(/[&<>]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;" })[c]);
const span = (kind, text) => (text ? `<span class="t-${kind}">${escaped(text)}</span>` : "");
const TOKEN = /("[^"]*"|'[^']*')|((?<![\w.])[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?[a-zµ]*)(?![\w.])|(;.*$)/gi;

function painted(line, number) {
  if (number === 0) return span("title", line);
  if (/^\s*[*$]/.test(line)) return span("comment", line);
  const [, head, rest] = /^(\s*\S*)(.*)$/s.exec(line);
  const kind = head.trim().startsWith(".") ? "card" : head.trim().startsWith("+") ? "card" : "name";
  let out = span(kind, head), last = 0;
  for (const match of rest.matchAll(TOKEN)) {
    out += escaped(rest.slice(last, match.index));
    out += span(match[1] ? "string" : match[2] ? "number" : "comment", match[0]);
    last = match.index + match[0].length;
  }
  return out + escaped(rest.slice(last));
}

/** The column that a character is shown in. */
function shown(line, index) {
  let column = 0;
  for (const character of line.slice(0, index)) column += character === "\t" ? TAB - (column % TAB) : 1;
  return column;
}

export class Editor {
  constructor(root, changed) {
    this.area = root.querySelector("textarea");
    this.paint = root.querySelector(".paint");
    this.marks = root.querySelector(".marks");
    this.gutter = root.querySelector(".gutter");
    this.found = [];
    this.lines = [];
    this.area.addEventListener("input", () => { this.found = []; this.draw(); changed(this.area.value); });
    this.area.addEventListener("scroll", () => this.scroll());
    // a text that is painted under the caret must not wrap, nor be scrolled elsewhere
    new ResizeObserver(() => this.scroll()).observe(this.area);
  }

  get text() { return this.area.value; }

  set text(text) {
    if (text === this.area.value) return;
    const { selectionStart, selectionEnd, scrollTop, scrollLeft } = this.area;
    this.area.value = text;
    this.area.setSelectionRange(selectionStart, selectionEnd);
    Object.assign(this.area, { scrollTop, scrollLeft });
    this.draw();
  }

  draw() {
    const lines = this.area.value.split("\n"), plain = lines.length > MOST_PAINTED;
    this.area.classList.toggle("plain", plain);
    if (plain) this.paint.replaceChildren();
    else this.colour(lines);
    this.lines = lines;
    this.place();
  }

  colour(lines) {
    if (lines.length !== this.paint.childElementCount) this.lines = [];
    // most strokes change one line
    const rows = this.paint.children;
    lines.forEach((line, k) => {
      if (this.lines[k] === line && rows[k]) return;
      const row = rows[k] ?? this.paint.appendChild(document.createElement("div"));
      row.innerHTML = painted(line, k) || "\u200b";
    });
    while (rows.length > lines.length) rows[rows.length - 1].remove();
  }

  /** Show diagnostics in their places. */
  show(diagnostics) {
    this.found = diagnostics.filter((d) => d.line && d.line <= this.lines.length);
    this.place();
  }

  place() {
    const worst = new Map();
    this.marks.replaceChildren();
    for (const d of this.found) {
      const line = this.lines[d.line - 1] ?? "";
      const from = shown(line, d.column - 1), to = shown(line, d.column - 1 + Math.max(1, d.length));
      const wave = this.marks.appendChild(document.createElement("div"));
      wave.className = `wave ${d.severity}`;
      Object.assign(wave.style, { left: `calc(10px + ${from}ch)`, width: `${to - from}ch`, top: `${8 + LINE * (d.line - 1)}px` });
      const before = worst.get(d.line);
      if (!before || (before.severity !== "error" && d.severity === "error")) worst.set(d.line, d);
    }
    for (const [number, d] of worst) {
      if (d.severity === "note") continue;
      // its place is counted in letters of the deck, its text has others
      const place = this.marks.appendChild(document.createElement("div"));
      place.className = "place";
      const said = place.appendChild(document.createElement("span"));
      said.className = `said ${d.severity}`;
      said.textContent = d.message.split("\n")[0];
      const line = this.lines[number - 1] ?? "";
      Object.assign(place.style, { left: `calc(10px + ${shown(line, line.length) + 2}ch)`, top: `${8 + LINE * (number - 1)}px` });
    }
    const number = (k) => (worst.has(k) ? `<span class="${worst.get(k).severity}">${k}</span>` : k);
    this.gutter.innerHTML = this.lines.map((_, k) => number(k + 1)).join("\n");
    this.scroll();
  }

  scroll() {
    const { scrollLeft, scrollTop } = this.area;
    const move = `translate(${-scrollLeft}px, ${-scrollTop}px)`;
    this.paint.style.transform = this.marks.style.transform = move;
    this.gutter.scrollTop = scrollTop;
  }

  /** Put the caret at a place; lines and columns count from 1. */
  reveal(line, column = 1, length = 0) {
    const start = this.lines.slice(0, line - 1).reduce((sum, text) => sum + text.length + 1, 0) + column - 1;
    this.area.focus();
    this.area.setSelectionRange(start, start + length);
    this.area.scrollTop = Math.max(0, LINE * (line - 6));
  }
}
