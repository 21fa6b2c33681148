// What is chosen and moved: data set, networks, profiles, filters, budgets, prices, and profiles of one's own.
"use strict";

const STEPS = 1000; // of a budget's slider
const FROM_PROFILE = 0.03; // nearer to no change than this is none
const LARGEST_DROP = 200_000;
const served = location.protocol.startsWith("http");
let drafted = null;

function drawChoice() {
  const tab = ([name, title]) => button(title, () => change({ view: name }),
    { role: "tab", "aria-selected": String(state.view === name) });
  $("views").replaceChildren(...Object.entries(VIEWS).map(tab));
  const profiles = data.profiles.map((profile) => [profile.name, profile.name]);
  const others = profiles.filter(([name]) => name !== state.profile);
  $("choice").replaceChildren(
    choose("Data set", datasets().map((name) => [name, name]), state.dataset, (dataset) =>
      change({ dataset, pins: [], budgets: noBudgets(), networks: [spacesOn(dataset)[0].network] })),
    el("fieldset", { class: "bar", "aria-label": "Networks" }, spacesOn(state.dataset).map(networkCheck)),
    choose("Profile", profiles, state.profile, (profile) => change({ profile })),
    choose("Beside it", [["", "–"], ...others], state.other, (other) => change({ other })),
    ...(state.view === "methods" ? [] : chartChoices()));
}

function networkCheck({ network }) {
  return check(network, state.networks.includes(network), (on) => {
    const networks = toggled(state.networks, network, on);
    change({ networks: networks.length ? networks : [network] });
  });
}

function chartChoices() {
  const axes = Object.entries(AXES).map(([name, one]) => [name, one.title]);
  return [
    choose("Across", axes, state.x, (x) => change({ x, sort: x })),
    check("logarithmic", state.log, (log) => change({ log })),
    check("hide dominated", state.hide, (hide) => change({ hide })),
    check("ranges of prices", state.ranges, (ranges) => change({ ranges })),
    check("does the front survive?", state.robust, (robust) => change({ robust })),
  ];
}

function drawSide() {
  const points = chosenSpaces().flatMap((space) => space.points);
  const profile = profileOf(state.profile);
  const rows = rowsOn(profile);
  const evidence = unique(points.map((point) => point.evidence)).map((name) =>
    check(name, !state.unseen.includes(name), (on) => change({ unseen: toggled(state.unseen, name, !on) })));
  const methods = unique(points.flatMap((point) => point.methods)).sort().map((name) =>
    check(name, state.methods.includes(name), (on) => change({ methods: toggled(state.methods, name, on) })));
  const many = state.methods.length ? ` (${state.methods.length})` : "…";
  $("side").replaceChildren(
    box("budgets", "Budgets", Object.keys(BUDGETS).map((name) => budgetSlider(name, rows)),
      button("No budgets", () => change({ budgets: noBudgets() }))),
    box("prices", "Prices", soft("Times what the profile says; everything follows."),
      Object.keys(unmoved).map((name) => priceSlider(name, profile)),
      button("Prices of the profile", () => change({ scale: { ...unmoved } }))),
    box("seen", "Accuracy from", el("div", { class: "list" }, evidence)),
    box("with", `With the method${many}`, el("div", { class: "list" }, methods)),
    modelBox(profile));
}

/** A part of the side that stays open, or closed, as it was. */
function box(name, title, ...inside) {
  const known = $("side").querySelector(`[data-name=${name}]`);
  const open = known ? known.open : name !== "with" && innerWidth > 990;
  return el("details", { "data-name": name, open }, el("summary", {}, title), inside);
}

function budgetSlider(name, rows) {
  if (!rows.length) return null;
  const isAccuracy = name === "top1";
  const values = rows.map((row) => (isAccuracy ? row.top1 : AXES[name].of(row)));
  const unit = isAccuracy ? "%" : AXES[name].unit(rows[0]);
  const title = isAccuracy ? "accuracy" : AXES[name].title;
  const [into, outOf] = isAccuracy ? [(value) => value, (value) => value] : [Math.log, Math.exp];
  const low = into(Math.min(...values));
  const high = into(Math.max(...values) * (isAccuracy ? 1 : 1.001));
  const none = isAccuracy ? 0 : STEPS;
  const limit = state.budgets[name];
  const at = limit === null ? none : (STEPS * (into(limit) - low)) / (high - low || 1);
  const said = (amount) => (amount === null ? "none" : `${BUDGETS[name]} ${readable(amount, unit)}`);
  const range = { min: 0, max: STEPS, value: Math.round(Math.min(STEPS, Math.max(0, at))) };
  return slider(`budget-${name}`, title, said(limit), limit !== null, range, (step) => {
    const chosen = step === none ? null : outOf(low + ((high - low) * step) / STEPS);
    state.budgets = { ...state.budgets, [name]: chosen };
    return [said(chosen), chosen !== null];
  });
}

function priceSlider(name, profile) {
  const said = (factor) => `×${significant(factor)}`;
  const [low, high] = rangeOf(profile, name);
  const note = low === high ? null : `its sources allow ${said(low)} to ${said(high)}`;
  const most = Math.log2(FACTORS);
  const range = { min: -most, max: most, step: 0.05, value: Math.log2(state.scale[name]) };
  const title = data.groups[name] ?? name;
  return slider(`price-${name}`, title, said(state.scale[name]), state.scale[name] !== 1, range, (value) => {
    const factor = Math.abs(value) < FROM_PROFILE ? 1 : 2 ** value;
    state.scale = { ...state.scale, [name]: factor };
    return [said(factor), factor !== 1];
  }, note);
}

/** How far the sources of a profile allow a group's price to lie from its value. */
function rangeOf(profile, name) {
  const ends = ([value, low, high]) => [low / value, high / value];
  const operations = Object.values(profile.operations).filter((one) => one.group === name && one.price_j[0] > 0);
  const ratios = [
    ...operations.map((one) => ends(one.price_j)),
    ...profile.levels.filter((level) => level.group === name).map((level) => level.ends),
  ];
  if (name === "control" && profile.control_j[0]) ratios.push(ends(profile.control_j));
  if (name === "leakage") ratios.push(profile.leakage_ends);
  if (name === "clock") ratios.push(ends(profile.clock_hz));
  if (!ratios.length) return [1, 1];
  return [Math.min(...ratios.map(([low]) => low)), Math.max(...ratios.map(([, high]) => high))];
}

// ---------------------------------------------------------------- the real model behind a served page

function modelBox(profile) {
  const said = el("p", { class: "soft", role: "status" });
  const oninput = (event) => { drafted = event.target.value; };
  const text = el("textarea", { "aria-label": "Profile as YAML", spellcheck: false, oninput });
  text.value = drafted ?? profile.draft;
  return box("model", "Sizes, arrays, own profiles",
    soft(served
      ? "What changes a mapping is found by the model itself: edit this profile, or drop a .yaml file on the page."
      : "Mapping held: moved prices keep each design's mapping. To move memory sizes or the array, or to try a "
        + "profile of your own, run bnncost explore --serve."),
    text,
    el("div", { class: "bar" },
      button("Run the model", () => runModel(text.value, said), { disabled: !served }),
      button("YAML", () => save("profile.yaml", text.value, "text/yaml"))),
    said);
}

async function runModel(yaml, said) {
  said.textContent = "The model runs …";
  const answer = await asked("price", { yaml, dataset: state.dataset });
  if (answer.error) {
    said.textContent = answer.error;
    return;
  }
  const { profile, on } = answer;
  data.profiles = [...data.profiles.filter((one) => one.name !== profile.name), profile];
  for (const space of data.spaces) if (on[space.name]) space.on[profile.name] = on[space.name];
  change({ other: state.profile === profile.name ? state.other : state.profile, profile: profile.name });
}

function asked(what, question) {
  const headers = { "Content-Type": "application/json" };
  return fetch(what, { method: "POST", headers, body: JSON.stringify(question) })
    .then((response) => response.json())
    .catch(() => ({ error: "The server does not answer; is bnncost explore --serve still running?" }));
}

/** A profile that is dropped on the page stands in its box, and on a served page it is run. */
async function takeDropped(files) {
  const file = [...files].find((one) => /\.ya?ml$/i.test(one.name) && one.size < LARGEST_DROP);
  if (!file) return;
  drafted = await file.text();
  drawSide();
  const model = $("side").querySelector("[data-name=model]");
  model.open = true;
  model.querySelector("textarea").focus();
  model.querySelector("button:enabled")?.click();
}
