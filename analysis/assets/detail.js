// Pinned designs: what each spends on what, and two of them side by side.
"use strict";

const quoted = (text) => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);
const section = (title, open, ...inside) => el("details", { open }, el("summary", {}, title), inside);
const amountOf = (name, amount) => readable(amount, name.endsWith("_bits") ? "bit" : name);

function command(text) {
  const copy = (event) => navigator.clipboard?.writeText(text).then(() => { event.target.textContent = "copied"; });
  return el("div", { class: "command" }, el("code", {}, text), button("copy", copy));
}

function drawPins() {
  const rows = state.pins.map((id) => rowOfPin(id, profileOf(state.profile)));
  const pair = rows.filter(Boolean).length === MOST_PINS ? [pairCard(...rows)] : [];
  const cards = rows.map((row, at) => row && pinCard(row, "AB"[at])).filter(Boolean);
  const title = (item) => item.querySelector("summary").textContent.replace(/\d+/, "");
  const before = [...$("pins").querySelectorAll("details")];
  const open = before.filter((item) => item.open).map(title);
  $("pins").replaceChildren(...pair, ...cards);
  if (before.length) for (const item of $("pins").querySelectorAll("details")) item.open = open.includes(title(item));
}

function pinCard(row, letter) {
  const { profile, point, design, priced } = row;
  const unpin = button("unpin", () => pin(row.id), { "aria-label": `Unpin ${row.label}` });
  const spread = `${readable(point.top1_low, "%")} to ${readable(point.top1_high, "%")}`;
  const range = point.top1_low < point.top1_high ? `, ${spread}` : "";
  const figures = [readable(row.top1, "%") + " top-1", readable(row.energy_j, "J"), readable(row.latency_s, "s"),
    readable(row.area, row.area_unit), profile.name];
  return el("article", { class: "card", "aria-label": `Pinned: ${row.label}` },
    el("h2", {}, el("span", { class: "letter" }, letter), symbolOf(point), row.label, unpin),
    el("p", { class: "figures" }, el("code", {}, design.design), el("br"), figures.join(" · ")),
    soft(`Accuracy: ${point.evidence}${range}. ${point.source}`),
    meter(causes.map((name) => row.groups[name]), row.energy_j),
    section("Energy by cause", true, byCause(row)),
    section("Energy by layer", false, byLayer(row)),
    section("Area and memory", false, areaAndMemory(priced, design)),
    section("Operations by origin", false, byOrigin(row)),
    section(`What folded, and why (${design.notes.length})`, false,
      el("ul", {}, design.notes.map((note) => el("li", { class: "soft" }, note)))),
    section(`Assumed figures in use (${priced.figures.length})`, false, assumedFigures(row)),
    el("h3", {}, "The commands that make this point"),
    command(`bnncost cost ${quoted(point.name)} --profile ${quoted(profile.name)} --per-layer`),
    point.train ? command(point.train) : null);
}

function byCause(row) {
  const used = causes.filter((name) => row.groups[name] > 0);
  return grid([["spent on"], ["energy", true], ["share", true], [""]], used.map((name) => [
    data.groups[name],
    readable(row.groups[name], "J"),
    `${significant((100 * row.groups[name]) / row.energy_j)} %`,
    meter([row.groups[name]], row.energy_j, [TINTS[causes.indexOf(name)]]),
  ]), "Energy by cause");
}

function byLayer(row) {
  const layers = pricing.layersOf(row.space, row.profile, row.point.design, state.scale);
  const parts = (layer) => [layer.operations, layer.memory, layer.rest];
  const most = Math.max(...layers.map((layer) => pricing.sum(parts(layer))));
  const cells = layers.map((layer) => [layer.name, readable(pricing.sum(parts(layer)), "J"),
    readable(layer.cycles, "count"), meter(parts(layer), most, [TINTS[0], TINTS[2], TINTS[7]])]);
  return [soft("Operations, memory, and by its cycles each layer's share of control and leakage."),
    grid([["layer"], ["energy", true], ["cycles", true], [""]], cells, "Energy by layer")];
}

function areaAndMemory(priced, design) {
  const inAll = ([name, amount]) =>
    [name.endsWith("_bits") ? `used of ${name.slice(0, -5)}` : `in all: ${name}`, amountOf(name, amount)];
  const kept = ([name, amount]) => [`kept: ${name.replaceAll("_", " ")}`, readable(amount, "bit")];
  return grid([["part"], ["amount", true]], [
    ...priced.area_split.map(([part, resource, amount]) => [part, amountOf(resource, amount)]),
    ...Object.entries(priced.area).map(inAll),
    ...Object.entries(design.memory_bits).map(kept),
  ], "Area and memory");
}

function byOrigin({ design, space }) {
  const sums = new Map();
  for (const [, origin, operation, count] of design.counts) {
    const key = `${origin} ${operation}`;
    const before = sums.get(key)?.[2] ?? 0;
    sums.set(key, [design.origins[origin], space.operations[operation], before + count]);
  }
  const order = (a, b) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : b[2] - a[2]);
  return grid([["asked for by"], ["operation"], ["count", true]],
    [...sums.values()].sort(order).map(([origin, name, count]) => [origin, name, count.toLocaleString("en")]),
    "Operations by origin");
}

const assumedFigures = ({ space, profile, priced }) =>
  grid([["figure"], ["value"], ["status"], ["source"]],
    priced.figures.map((at) => space.on[profile.name].figures[at]), "Assumed figures");

function pairCard(one, other) {
  const energies = causes.filter((name) => one.groups[name] || other.groups[name]);
  const rows = [
    ["top-1", readable(one.top1, "%"), readable(other.top1, "%"), `${significant(other.top1 - one.top1)} points`, ""],
    compared("energy", one.energy_j, other.energy_j, "J"),
    ...energies.map((name) => compared(`  ${data.groups[name]}`, one.groups[name], other.groups[name], "J")),
    compared("latency", one.latency_s, other.latency_s, "s"),
    compared("area", one.area, other.area, one.area_unit),
    compared("memory", one.memory_bits, other.memory_bits, "bit"),
    compared("OPs", one.ops, other.ops, "count"),
  ];
  const names = `${quoted(one.point.name)} --than ${quoted(other.point.name)}`;
  return el("article", { class: "card wide", "aria-label": "The two pinned designs compared" },
    el("h2", {}, `A ${one.label} and B ${other.label}`),
    grid([[""], ["A", true], ["B", true], ["B less A", true], ["ratio", true]], rows, "A and B"),
    command(`bnncost sensitivity ${names} --profile ${quoted(one.profile.name)}`),
    el("p", {}, el("b", {}, "Break-even: "), breakEvens(one, other)));
}

function compared(title, one, other, unit) {
  const less = `${other < one ? "−" : "+"}${readable(Math.abs(other - one), unit).replace(/^0 .*/, "0")}`;
  return [title, readable(one, unit), readable(other, unit), less, one ? `×${significant(other / one)}` : "–"];
}

/** At which prices two designs use as much energy, in words. */
function breakEvens(one, other) {
  const turn = (name) => [name, pricing.breakEven(one, other, name)];
  const turns = causes.map(turn).filter(([, factor]) => factor !== null);
  if (!turns.length) return "no single price makes their energies equal.";
  const each = (name, factor) => {
    if (name !== "binary" && name !== "mul16") return "";
    const known = Object.values(one.profile.operations).find((item) => item.group === name);
    return ` (${readable(known.price_j[0] * state.scale[name] * factor, "J")} each)`;
  };
  const costs = ([name, factor]) => `${data.groups[name]} costs ×${significant(factor)}${each(name, factor)}`;
  const said = turns.map(costs);
  return `both use as much energy where ${said.join(", or where ")}, all else as it is.`;
}
