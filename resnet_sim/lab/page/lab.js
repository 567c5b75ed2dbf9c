// The page: one state (deck, values beside it, held switches), its history, and what is shown of it.

import { chart } from "./charts.js";
import { Dials, showSwitches } from "./dials.js";
import { Editor } from "./editor.js";
import { Learning } from "./learning.js";
import { linkTo, stateIn } from "./links.js";
import { said } from "./numbers.js";
import { Picture } from "./picture.js";
import { Line, ask } from "./server.js";

const $ = (selector) => document.querySelector(selector);
const PAUSE = 900; // ms between two strokes that are undone apart
const MOST_UNDONE = 300;

let state = { deck: "", values: {}, switches: {} };
let name = "deck.net";
let answer = null;
let along = null; // what is swept by hand
let opened = false; // whether the deck has just been opened
let last = { kind: "", time: 0 };
const past = [], future = [];

// ---- one state, and its history ----

/** Go to another state; changes of one `kind` that follow at once are undone together. */
function become(next, kind) {
  const now = performance.now();
  if (!kind || kind !== last.kind || now - last.time > PAUSE) past.push(state);
  if (past.length > MOST_UNDONE) past.shift();
  last = { kind, time: now };
  future.length = 0;
  state = next;
  remember();
}

function travel(from, to) {
  if (!from.length) return;
  to.push(state);
  state = from.pop();
  last = { kind: "", time: 0 };
  remember();
  refresh();
}

function remember() {
  $("#undo").disabled = !past.length;
  $("#redo").disabled = !future.length;
  try { sessionStorage.setItem("state", JSON.stringify({ state, name })); } catch { /* too large to be kept */ }
}

function refresh() {
  editor.text = state.deck;
  answers.send(() => state);
}

/** Show another deck. */
function open(deck, called, values = {}, switches = {}) {
  along = null;
  opened = true;
  name = called;
  become({ deck: deck.replaceAll("\r\n", "\n").replaceAll("\r", "\n"), values, switches }, "");
  dials.forget();
  choose("");
  $("#turning").scrollTop = 0;
  refresh();
}

// ---- what changes it ----

const editor = new Editor($(".editor"), (deck) => {
  $("#examples").value = "";
  become({ ...state, deck }, "typing");
  answers.send(() => state);
});

function turn(dial, value) {
  answers.send(() => ({ ...state, turn: { name: dial, value } }));
}

function hold(which, closed) {
  const { [which]: _, ...others } = state.switches;
  become({ ...state, switches: closed === null ? others : { ...others, [which]: closed } }, "");
  refresh();
}

function clicked(element, kind) {
  if (kind.endsWith("switch")) return hold(element, !answer?.closed?.[element]);
  choose(element);
  const line = state.deck.split("\n").findIndex((text, k) => k && text.trim().toLowerCase().split(/\s/)[0] === element);
  if (line > 0) editor.reveal(line + 1, 1, state.deck.split("\n")[line].length);
}

function choose(element) {
  dials.choose(element);
  picture.choose(element);
}

function sweep(which) {
  along = which;
  tab("curves");
  curves.send(() => ({ ...state, along }));
}

const dials = new Dials($("#dials"), $("#filter"), { turn, sweep, choose });
const picture = new Picture($("#picture"), clicked);

// ---- answers ----

let sent = 0;
const answers = new Line("answer", (found, asked) => {
  const took = performance.now() - sent;
  if (asked.turn) {
    if (asked.deck !== state.deck) return; // something else has been typed since
    become({ ...state, deck: found.deck, values: found.values }, `turn ${asked.turn.name}`);
    editor.text = state.deck;
  } else if (asked !== state) return;
  show(found, took);
  pictures.send(() => state);
  const sweeps = found.sweeps?.length || along;
  if (opened && $("#learning").hidden) tab(sweeps ? "curves" : "values");
  if (opened || !sweeps) showCurves(sweeps ? { panels: [], diagnostics: [{ message: "Sweeping …" }] } : null);
  opened = false;
  if (sweeps) curves.send(() => ({ ...state, along }));
}, failed);
const send = answers.send.bind(answers);
answers.send = (say) => send(() => { sent = performance.now(); return say(); });

const pictures = new Line("picture", (found, asked) => {
  if (found.svg) { picture.show(found.svg); $("#picture-note").textContent = ""; }
  else if (found.reason) picture.clear(found.reason);
  else if (found.status === "stopped") { picture.stale(); $("#picture-note").textContent = found.diagnostics[0].message; }
  else picture.stale();
  // pictures that come late are shown while a dial turns, but what is there now is not drawn yet
  if (asked === state) document.body.dataset.drawn = Number(document.body.dataset.drawn ?? 0) + 1;
}, failed);

const curves = new Line("curves", showCurves, failed);

function failed(error) {
  status("bad", "no answer", `${error.message}: is resnet-sim lab still running?`);
}

function status(kind, head, rest) {
  const out = $("#status");
  out.className = kind;
  out.replaceChildren(Object.assign(document.createElement("b"), { textContent: head }), rest ? ` · ${rest}` : "");
}

function show(found, took) {
  showMessages(found.diagnostics ?? []);
  if (found.status === "solved") status("", "solved", `certified · ${Math.max(1, Math.round(took))} ms`);
  else status("bad", found.status, `${Math.round(took)} ms`);
  document.title = `${found.title || name} – lab`;
  document.body.dataset.answered = Number(document.body.dataset.answered ?? 0) + 1;
  if (!found.dials) { picture.stale(); return; } // the last circuit stays, until this is one
  answer = found;
  dials.show(found.dials, state.values);
  showSwitches($("#switches"), found.switches, found.closed, hold);
  showValues(found);
}

function showMessages(diagnostics) {
  editor.show(diagnostics);
  $("#messages").replaceChildren(...diagnostics.map((d) => {
    const item = Object.assign(document.createElement("li"), { className: d.severity });
    const where = d.line ? `line ${d.line}` : "";
    item.append(Object.assign(document.createElement("code"), { textContent: [d.code, where].filter(Boolean).join(" ") }), d.message);
    if (d.hint) item.append(Object.assign(document.createElement("small"), { textContent: d.hint }));
    if (d.line) item.addEventListener("click", () => editor.reveal(d.line, d.column, d.length));
    return item;
  }));
}

function table(heads, rows) {
  const made = document.createElement("table"), top = made.insertRow();
  heads.forEach((head, k) => top.append(Object.assign(document.createElement("th"), { textContent: head, className: k ? "number" : "" })));
  for (const row of rows) {
    const line = made.insertRow();
    row.forEach((text, k) => Object.assign(line.insertCell(), { textContent: text, className: k ? "number" : "" }));
  }
  return made;
}

function showValues({ voltages, currents, elements, nodes }) {
  const root = $("#values");
  if (!voltages) return root.replaceChildren(Object.assign(document.createElement("p"), { className: "empty", textContent: "This circuit has no operating point: the messages say why." }));
  const box = Object.assign(document.createElement("div"), { className: "tables" });
  box.append(table(["node", "voltage"], voltages.map(([node, volts]) => [node, said(volts, "V")])));
  box.append(table(["element", "current", "power"], currents.map(([element, , amps, watts]) => [element, said(amps, "A"), said(watts, "W")])));
  root.replaceChildren(box);
  const more = Math.max(elements - currents.length, nodes - 1 - voltages.length);
  if (more > 0) root.append(Object.assign(document.createElement("p"), { className: "empty", textContent: `and ${more} more: CSV has them all` }));
}

let drawn = null;

function showCurves(found) {
  const root = $("#curves");
  drawn = found;
  const say = (text) => root.append(Object.assign(document.createElement("p"), { className: "empty", textContent: text }));
  root.replaceChildren();
  if (along) {
    say(`${along.name} from ${said(along.low)} to ${said(along.high)} `);
    const end = root.lastChild.appendChild(Object.assign(document.createElement("button"), { textContent: "End this sweep" }));
    end.addEventListener("click", () => { along = null; refresh(); });
  }
  if (!found) return say("The deck asks for no sweep. Write one, such as .dc v1 0 10 0.1, or press ~ beside a value.");
  const panels = found.panels ?? [], room = root.clientWidth - 26;
  const columns = panels.length > 1 && room > 560 ? 2 : 1;
  const box = root.appendChild(Object.assign(document.createElement("div"), { className: "charts" }));
  box.style.gridTemplateColumns = `repeat(${columns}, 1fr)`;
  const width = room > 0 ? room / columns - (columns - 1) * 8 : 560;
  for (const panel of panels) box.append(chart(panel, width, Math.min(300, Math.max(190, root.clientHeight - 60))));
  if (found.unsolved) say(`${found.unsolved} points have no solution`);
  if (!panels.length) for (const d of found.diagnostics ?? []) say(d.message);
  document.body.dataset.curves = Number(document.body.dataset.curves ?? 0) + 1;
}

// ---- files, links, tabs ----

function save(content, called, kind) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([content], { type: kind }));
  link.download = called;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

const stem = () => name.replace(/\.[^.]*$/, "");

async function openFile(file) {
  if (file) open(await file.text(), file.name);
}

async function share() {
  const link = await linkTo(state);
  $("#link-text").value = link;
  $("#link-note").textContent = link.length > 30_000 ? "A link this long is cut by many programs: better save the deck." : "The deck is in the link itself, and sent nowhere.";
  $("#link").showModal();
  $("#link-text").select();
  try { await navigator.clipboard.writeText(link); $("#link-note").textContent += " It has been copied."; } catch { /* the text is selected */ }
}

function tab(which) {
  for (const button of document.querySelectorAll("[role=tab]")) {
    button.setAttribute("aria-selected", button.dataset.tab === which);
    $(`#${button.dataset.tab}`).hidden = button.dataset.tab !== which;
  }
}

async function fromLink() {
  const linked = await stateIn(location.hash);
  if (!linked) return false;
  history.replaceState(null, "", "/"); // what is in the link would soon not be what is shown
  open(linked.deck, "linked.net", linked.values, linked.switches);
  return true;
}

function listenToPeople() {
  $("#undo").addEventListener("click", () => travel(past, future));
  $("#redo").addEventListener("click", () => travel(future, past));
  $("#open").addEventListener("click", () => $("#file").click());
  $("#file").addEventListener("change", (event) => openFile(event.target.files[0]));
  $("#save").addEventListener("click", () => save(state.deck, name, "text/plain"));
  $("#share").addEventListener("click", share);
  $("#export-svg").addEventListener("click", () => picture.source && save(picture.source, `${stem()}.svg`, "image/svg+xml"));
  $("#export-csv").addEventListener("click", async () => {
    const found = await ask("table", state);
    if (found.text) save(found.text, `${stem()}.csv`, "text/csv");
    else showMessages(found.diagnostics);
  });
  for (const button of document.querySelectorAll("[role=tab]")) button.addEventListener("click", () => tab(button.dataset.tab));
  addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.altKey) return;
    const key = event.key.toLowerCase();
    if (key === "z" || key === "y") { event.preventDefault(); (key === "y" || event.shiftKey) ? travel(future, past) : travel(past, future); }
    if (key === "s") { event.preventDefault(); $("#save").click(); }
  }, true);
  addEventListener("dragover", (event) => event.preventDefault());
  addEventListener("drop", (event) => { event.preventDefault(); openFile(event.dataTransfer.files[0]); });
  addEventListener("hashchange", fromLink);
}

async function start() {
  listenToPeople();
  status("", "getting ready", "");
  let width = 0;
  new ResizeObserver(() => {
    if ($("#curves").clientWidth !== width) { width = $("#curves").clientWidth; showCurves(drawn); }
  }).observe($("#curves"));
  tab("values");
  const content = await ask("content", {});
  for (const [called, deck] of Object.entries(content.examples)) $("#examples").add(new Option(`${called}: ${deck.split("\n", 1)[0]}`, called));
  $("#examples").addEventListener("change", (event) => { if (event.target.value) open(content.examples[event.target.value], `${event.target.value}.net`); });
  new Learning($("#learning"), content.trainings, open, () => ({ ...state, name: stem() }));
  if (await fromLink()) return;
  const kept = JSON.parse(sessionStorage.getItem("state") ?? "null"), { first } = content;
  if (kept) open(kept.state.deck, kept.name, kept.state.values, kept.state.switches);
  else if (first.deck) open(first.deck, first.name, first.values, first.switches);
  else open(content.examples.divider ?? Object.values(content.examples)[0] ?? "", "divider.net");
  past.length = 0;
  remember();
}

start().catch(failed);
