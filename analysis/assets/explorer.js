// The explorer's page: it reads the data, draws what is chosen, and saves what is shown.
"use strict";

async function unpack(text) {
  const bytes = Uint8Array.from(atob(text.trim()), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(stream).text());
}

function drawLegend() {
  const toggle = (name) => (event) => change({ off: toggled(state.off, name, !event.target.checked) });
  const sort = (name) => el("label", { class: "check" },
    el("input", { type: "checkbox", checked: !state.off.includes(name), onchange: toggle(name) }), symbol(name), name);
  const points = chosenSpaces().flatMap((space) => space.points);
  const kind = (some, mark, text) =>
    (points.some(some) ? [el("span", { class: "check soft" }, symbol("binary", mark), text)] : []);
  $("legend").replaceChildren(...(state.view === "methods" ? [] : [
    ...data.classes.map(sort),
    ...kind(isMeasured, { edged: true }, "measured, or your own (fronts of studies are dashed)"),
    ...kind(isEstimate, { hollow: true }, "estimated (dashed front)"),
  ]));
}

function drawNote() {
  const profiles = shownProfiles();
  const traffic = {
    mapped: "Memory traffic is that of the best mapping of every layer.",
    compulsory: "Memory traffic is compulsory: every value moves once per layer, the least that must.",
  };
  const about = (one) => `${one.name}: ${one.title}. ${one.counted} ${traffic[one.traffic]} `;
  const heaviest = profiles.flatMap((one) => chosenSpaces().map((space) => space.on[one.name]?.heaviest));
  const unlike = new Set(profiles.map((one) => one.scope)).size > 1;
  $("note").replaceChildren(
    ...profiles.map(about),
    ...heaviest.filter(Boolean).map((said) => `${said} `),
    unlike ? el("span", { class: "warn" }, "The two profiles differ in what their energies count: compare designs "
      + "within a profile, not across. ") : "",
    state.view === "methods" ? "" : "Published accuracies have each their own recipe: a point or two between papers is "
      + "not the effect of one method. A star marks an accuracy reached on a similar backbone.");
}

function drawSave() {
  const name = `bnncost-${state.view}-${state.dataset}-${state.profile}`.replace(/[^\w.-]+/g, "-");
  const look = { pixelRatio: 2, backgroundColor: color("--card") };
  const ways = {
    PNG: () => save(`${name}.png`, charts[0].getDataURL(look)),
    SVG: () => save(`${name}.svg`, drawnAsSvg(charts[0]), "image/svg+xml"),
    CSV: () => save(`${name}.csv`, csvOf(state.view === "methods" ? methodTable() : designTable()), "text/csv"),
  };
  const buttons = Object.entries(ways).map(([title, act]) => button(title, act, { disabled: !charts.length }));
  const said = el("span", { class: "soft" }, "of what is shown. The address of this page holds the view.");
  $("save").replaceChildren(...buttons, said);
}

function drawnAsSvg(chart) {
  const size = { width: chart.getWidth(), height: chart.getHeight() };
  const plain = echarts.init(null, null, { renderer: "svg", ssr: true, ...size });
  plain.setOption(chart.getOption());
  const text = plain.renderToSVGString();
  plain.dispose();
  return text;
}

const csvOf = (rows) => rows.map((cells) => cells.map(words.csvCell).join(",")).join("\n");

function methodTable() {
  const rows = methodRows().map((row) =>
    [row.space.name, row.method, row.category, row.asked, row.alone, row.left_out, row.width, row.gain]);
  return [["network", "method", "category", "asked_j", "alone_j", "left_out_j", "equivalent_width", "gain"], ...rows];
}

function designTable() {
  const head = ["design", "name", "class", "profile", "top1", "energy_j", "latency_s", "area", "area_unit",
    "memory_bits", "ops", "on_front", "evidence", "source", ...causes.map((cause) => `${cause}_j`)];
  const cells = ({ point, ...row }) => [point.label, point.name, point.class, row.profile.name, row.top1, row.energy_j,
    row.latency_s, row.area, row.area_unit, row.memory_bits, row.ops, row.front ? "yes" : "", point.evidence,
    point.source, ...causes.map((cause) => row.groups[cause])];
  return [head, ...shownProfiles().flatMap((profile) => rowsOn(profile)).map(cells)];
}

/** Draw what moves with a slider. */
function redraw() {
  writeState();
  if (state.view === "methods") drawMethods();
  else drawFront();
  drawPins();
  drawSave();
}

/** Draw everything; what had the focus has it again. */
function draw() {
  const all = () => [...document.querySelectorAll("button, select, input")];
  const held = document.activeElement;
  const at = all().indexOf(held);
  drawChoice();
  drawLegend();
  drawNote();
  redraw();
  drawSide();
  if (at >= 0 && !held.isConnected) all()[at]?.focus({ preventScroll: true });
}

function listen() {
  const { classList } = document.body;
  $("choice").addEventListener("submit", (event) => event.preventDefault());
  addEventListener("hashchange", () => {
    state = readState();
    draw();
  });
  addEventListener("resize", () => {
    charts.forEach((chart) => chart.resize());
    redraw();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    $("chart").dataset.view = "";
    draw();
  });
  addEventListener("dragover", (event) => {
    event.preventDefault();
    classList.add("drop");
  });
  addEventListener("dragleave", () => classList.remove("drop"));
  addEventListener("drop", (event) => {
    event.preventDefault();
    classList.remove("drop");
    takeDropped(event.dataTransfer.files);
  });
}

async function start() {
  know(await unpack($("data").textContent));
  listen();
  $("foot").textContent = `bnncost ${data.version}. Energy is counts times prices, as the command bnncost cost has it. `
    + "Drawn with Apache ECharts 6.1.0 (Apache-2.0). Nothing on this page is loaded from elsewhere.";
  draw();
  document.body.dataset.ready = "";
}

start();
