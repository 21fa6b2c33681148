// Parts that the page is built of.
"use strict";

const COLORS = { binary: "--binary", "low-bit": "--low", "full precision": "--full" };
const SHAPES = {
  binary: "M6.5 1a5.5 5.5 0 1 0 .01 0Z",
  "low-bit": "M6.5 .5l6 6-6 6-6-6Z",
  "full precision": "M1.5 1.5h10v10h-10Z",
};
const TINTS = ["#0072b2", "#56b4e9", "#009e73", "#8fcf9f", "#e69f00", "#d55e00", "#a0437c", "#8a8a8a"];
const $ = (id) => document.getElementById(id);
const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** An element with attributes, `on...` listeners and children; text among these stays text. */
function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name in node && typeof value !== "string") node[name] = value;
    else node.setAttribute(name, value);
  }
  const absent = [null, undefined, ""];
  node.append(...children.flat(3).filter((child) => !absent.includes(child)));
  return node;
}

const button = (title, onclick, more = {}) => el("button", { type: "button", onclick, ...more }, title);
const soft = (...text) => el("p", { class: "soft" }, ...text);
const numeric = (text) => el("td", { class: "number" }, text);
const toggled = (list, item, present) => {
  const others = list.filter((one) => one !== item);
  return present ? [...others, item] : others;
};

function check(title, checked, act) {
  const onchange = (event) => act(event.target.checked);
  return el("label", { class: "check" }, el("input", { type: "checkbox", checked, onchange }), title);
}

function choose(title, options, value, act) {
  const onchange = (event) => act(event.target.value);
  const items = options.map(([name, text]) => el("option", { value: name, selected: name === value }, text));
  return el("label", {}, title, el("select", { "aria-label": title, onchange }, items));
}

/** A slider with its name and what it says; `act` is given its value and returns what it then says. */
function slider(id, title, said, isMoved, range, act, note = null) {
  const out = el("output", { class: isMoved ? "moved" : "" }, said);
  const oninput = (event) => {
    const [text, away] = act(Number(event.target.value));
    out.textContent = text;
    out.className = away ? "moved" : "";
    event.target.setAttribute("aria-valuetext", text);
    redraw();
  };
  const input = el("input", { type: "range", id, ...range, "aria-valuetext": said, oninput });
  return el("div", { class: "row", title: note ?? "" }, el("label", { for: id }, title), out, input,
    note ? el("span", { class: "soft range" }, note) : null);
}

/** The mark of a class: filled, hollow for an estimate, with a dark edge for what a study measured. */
function symbol(cls, { hollow = false, edged = false } = {}) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const path = document.createElementNS(svg.namespaceURI, "path");
  svg.setAttribute("viewBox", "0 0 13 13");
  svg.setAttribute("aria-hidden", "true");
  path.setAttribute("d", SHAPES[cls]);
  path.setAttribute("fill", hollow ? "none" : `var(${COLORS[cls]})`);
  path.setAttribute("stroke", edged ? "var(--ink)" : `var(${COLORS[cls]})`);
  path.setAttribute("stroke-width", "1.5");
  svg.append(path);
  return svg;
}

const symbolOf = (point) => symbol(point.class, { hollow: isEstimate(point), edged: isMeasured(point) });
const isEstimate = (point) => point.estimated === true;
const isMeasured = (point) => (point.study !== "" || point.added === true) && !isEstimate(point);

/** The recipe, or the file, that an accuracy of one's own comes from: what stands in brackets behind its kind. */
const protocolOf = (point) => point.evidence.replace(/^[^(]*\(|\)$/g, "");

function table(caption, head, body) {
  return el("div", { class: "scroll" }, el("table", {}, el("caption", { class: "hidden" }, caption),
    el("thead", {}, el("tr", {}, head)), el("tbody", {}, body)));
}

/** A table of cells; `columns` are titles, each with whether it holds numbers. */
function grid(columns, rows, caption) {
  const kind = (cell, at) => (columns[at][1] ? "number" : cell?.className === "meter" ? "bar-cell" : "");
  return table(caption,
    columns.map(([title, isNumber]) => el("th", { scope: "col", class: isNumber ? "number" : "" }, title)),
    rows.map((cells) => el("tr", {}, cells.map((cell, at) => el("td", { class: kind(cell, at) }, cell)))));
}

/** A bar of parts, each a share of `whole`, in the colours of the causes. */
function meter(parts, whole, tints = TINTS) {
  return el("div", { class: "meter", "aria-hidden": "true" }, parts.map((part, at) => {
    const piece = el("i");
    piece.style.width = `${Math.max(0, (100 * part) / whole)}%`;
    piece.style.background = tints[at];
    return piece;
  }));
}

function save(name, content, type) {
  const href = content.startsWith("data:") ? content : URL.createObjectURL(new Blob([content], { type }));
  el("a", { download: name, href }).click();
}
