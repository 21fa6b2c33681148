// What the explorer knows and what is chosen: the data, the state of the page, and the address that holds it.
// All text that comes from data or from the address is written as text, never as markup.
"use strict";

const { readable, significant } = words;
const AXES = {
  energy: { title: "energy", unit: () => "J", of: (row) => row.energy_j },
  latency: { title: "latency", unit: () => "s", of: (row) => row.latency_s },
  area: { title: "area", unit: (row) => row?.area_unit ?? "", of: (row) => row.area },
  memory: { title: "memory", unit: () => "bit", of: (row) => row.memory_bits },
  ops: { title: "OPs (MACs + binary MACs / 64)", unit: () => "count", of: (row) => row.ops },
};
const BUDGETS = { energy: "at most", latency: "at most", memory: "at most", top1: "at least" };
const VIEWS = { front: "Accuracy against cost", methods: "Methods" };
const MOST_PINS = 2;
const FACTORS = 16; // how far a price moves, either way

let data = null;
let causes = [];
let unmoved = {};
let state = null;

function know(everything) {
  data = everything;
  causes = Object.keys(data.groups);
  unmoved = Object.fromEntries([...causes, "clock"].map((name) => [name, 1]));
  state = readState();
}

const unique = (items) => [...new Set(items)];
const datasets = () => unique(data.spaces.map((space) => space.dataset));
const spacesOn = (dataset) => data.spaces.filter((space) => space.dataset === dataset);
const chosenSpaces = () => spacesOn(state.dataset).filter((space) => state.networks.includes(space.network));
const profileOf = (name) => data.profiles.find((profile) => profile.name === name);
const shownProfiles = () => [state.profile, state.other].filter(Boolean).map(profileOf);
const moved = () => Object.keys(state.scale).filter((name) => state.scale[name] !== 1);
const noBudgets = () => Object.fromEntries(Object.keys(BUDGETS).map((name) => [name, null]));
const idOf = (point) => (point.study ? `${point.study}:${point.name}` : point.name);

function positive(text) {
  const number = text === null || text === "" ? NaN : Number(text);
  return Number.isFinite(number) && number > 0 ? number : null;
}

/** The state that the address asks for; whatever it says that the page does not know is left out. */
function readState() {
  const asked = new URLSearchParams(location.hash.slice(1));
  const one = (name, known, other) => (known.includes(asked.get(name)) ? asked.get(name) : other);
  const many = (name, known) => (asked.get(name) ?? "").split("~").filter((item) => known.includes(item));
  const flag = (name) => asked.get(name) === "1";
  const points = data.spaces.flatMap((space) => space.points);
  const profiles = data.profiles.map((profile) => profile.name);
  const dataset = one("data", datasets(), data.spaces[0].dataset);
  const networks = spacesOn(dataset).map((space) => space.network);
  const chosen = many("nets", networks);
  const factor = (name) => Math.min(FACTORS, Math.max(1 / FACTORS, positive(asked.get(`p.${name}`)) ?? 1));
  return {
    view: one("view", Object.keys(VIEWS), "front"),
    dataset,
    networks: chosen.length ? chosen : [networks[0]],
    profile: one("on", profiles, profiles[0]),
    other: one("beside", profiles, ""),
    x: one("x", Object.keys(AXES), "energy"),
    log: !flag("lin"),
    hide: flag("hide"),
    ranges: flag("ranges"),
    robust: flag("robust"),
    off: many("off", data.classes),
    unseen: many("unseen", unique(points.map((point) => point.evidence))),
    methods: many("with", unique(points.flatMap((point) => point.methods))),
    budgets: Object.fromEntries(Object.keys(BUDGETS).map((name) => [name, positive(asked.get(`b.${name}`))])),
    scale: Object.fromEntries(Object.keys(unmoved).map((name) => [name, factor(name)])),
    pins: many("pin", points.map(idOf)).slice(0, MOST_PINS),
    sort: one("sort", ["label", "top1", ...Object.keys(AXES)], "energy"),
    down: flag("down"),
  };
}

function writeState() {
  const flag = (on) => (on ? "1" : "");
  const put = {
    data: state.dataset,
    nets: state.networks.join("~"),
    on: state.profile,
    beside: state.other,
    view: state.view,
    x: state.x,
    lin: flag(!state.log),
    hide: flag(state.hide),
    ranges: flag(state.ranges),
    robust: flag(state.robust),
    off: state.off.join("~"),
    unseen: state.unseen.join("~"),
    with: state.methods.join("~"),
    pin: state.pins.join("~"),
    sort: state.sort === "energy" ? "" : state.sort,
    down: flag(state.down),
  };
  for (const [name, limit] of Object.entries(state.budgets)) {
    put[`b.${name}`] = limit === null ? "" : String(Number(limit.toPrecision(6)));
  }
  for (const [name, factor] of Object.entries(state.scale)) {
    put[`p.${name}`] = factor === 1 ? "" : String(Number(factor.toPrecision(4)));
  }
  const text = new URLSearchParams(Object.entries(put).filter(([, value]) => value !== "")).toString();
  history.replaceState(null, "", `#${text}`);
}

function change(update) {
  state = { ...state, ...update };
  draw();
}

function pin(id) {
  const others = state.pins.filter((one) => one !== id);
  change({ pins: state.pins.includes(id) ? others : [...others, id].slice(-MOST_PINS) });
}
