// The charts, and the keys that go along their designs.
"use strict";

const SYMBOLS = { binary: "circle", "low-bit": "diamond", "full precision": "rect" };
const LETTER = 6.4; // width of a label's letter [pixels], on average
const MARGINS = { left: 62, right: 26, top: 48, bottom: 56 };
const quiet = { hideOverlap: true, showMinLabel: false, showMaxLabel: false };
let charts = [];
let shown = [];
let focused = -1;

function axis(title, unit, extra) {
  const formatter = (value) =>
    (unit === "%" || unit === "points" ? String(Number(value.toFixed(2))) : readable(value, unit));
  return {
    name: title,
    nameLocation: "middle",
    nameTextStyle: { color: color("--soft") },
    axisLine: { show: true, lineStyle: { color: color("--line") } },
    splitLine: { lineStyle: { color: color("--line"), opacity: 0.6 } },
    minorSplitLine: { show: false },
    ...extra,
    axisLabel: { color: color("--soft"), ...quiet, formatter, ...extra.axisLabel },
  };
}

const tooltip = (extra) => ({
  confine: true,
  backgroundColor: color("--card"),
  borderColor: color("--line"),
  textStyle: { color: color("--ink") },
  ...extra,
});

const titleStyle = () => ({
  fontSize: 13,
  lineHeight: 16,
  fontWeight: 600,
  color: color("--ink"),
  width: (charts[0]?.getWidth() ?? 600) - 28,
  overflow: "break",
});

const base = (title) => ({
  animation: false,
  backgroundColor: color("--card"),
  textStyle: { fontFamily: "system-ui, 'Liberation Sans', 'DejaVu Sans', sans-serif" },
  aria: { enabled: true },
  title: { text: title, left: 14, top: 8, textStyle: titleStyle() },
  grid: MARGINS,
});

function frontOption(rows, profile, extent, width) {
  const seen = rows.filter((row) => !state.hide || row.front || state.pins.includes(row.id));
  const across = AXES[state.x];
  const bars = state.ranges && state.x === "energy" ? [rangeBars(seen, profile)] : [];
  const ends = endsOf(rows, bars, width);
  const place = (row) => placeOf(row.x, ends) * (width - MARGINS.left - MARGINS.right);
  const several = studiesOf(rows).filter((study) => study !== "").length > 1;
  const points = {
    type: "scatter",
    name: "designs",
    z: 3,
    data: seen.map((row) => mark(row, several ? nameAmongStudies(row) : row.label, place(row))),
    labelLayout: { hideOverlap: true },
    label: { distance: 4, fontSize: 11.5, textBorderColor: color("--card"), textBorderWidth: 3 },
    emphasis: { scale: 1.35, label: { show: true } },
  };
  return {
    ...base(`${profile.name}: top-1 against ${across.title}`),
    xAxis: axis(across.title, across.unit(rows[0]), { nameGap: 30, ...ends, ...ticks(ends) }),
    yAxis: axis("top-1 [%]", "%", { type: "value", nameGap: 40, ...extent }),
    tooltip: tooltip({ trigger: "item", formatter: (event) => tip(seen[event.dataIndex]) }),
    series: [...studiesOf(rows).map((study) => frontLine(rows, study)), ...bars, points],
  };
}

/** What a design is called where several studies are drawn, whose accuracies do not compare: with its study. */
const nameAmongStudies = ({ label, point }) => (point.study === "" ? label : `${label} · ${protocolOf(point)}`);

/** A design's mark, whose name stands where there is room for it. */
function mark(row, name, place) {
  const pinned = state.pins.indexOf(row.id);
  const tint = color(COLORS[row.point.class]);
  const [size, edge] = pinned >= 0 ? [17, "--pin"] : [markSize(row), isMeasured(row.point) ? "--ink" : null];
  const room = LETTER * name.length + 14;
  return {
    value: [row.x, row.y],
    id: row.id,
    symbol: SYMBOLS[row.point.class],
    symbolSize: size,
    itemStyle: {
      color: isEstimate(row.point) ? color("--card") : tint,
      borderColor: edge ? color(edge) : tint,
      borderWidth: pinned >= 0 ? 4 : 1.8,
      opacity: row.broken.length ? 0.22 : row.front ? 1 : 0.65,
    },
    label: {
      show: row.front || row.survives >= 0.2 || pinned >= 0,
      position: place < room ? "right" : "left",
      offset: place < room ? [2, 9] : [2, -9],
      formatter: () => (pinned >= 0 ? `${"AB"[pinned]}  ` : "") + name,
      color: color("--ink"),
      opacity: row.broken.length ? 0.4 : 1,
    },
  };
}

const markSize = (row) => (state.robust ? 5 + 12 * Math.sqrt(row.survives) : row.front ? 12 : 9);

function frontLine(rows, study) {
  return {
    type: "line",
    name: `front${study}`,
    silent: true,
    step: "end",
    symbol: "none",
    z: 1,
    data: rows.filter((row) => row.front && row.point.study === study).map((row) => [row.x, row.y]),
    lineStyle: { color: color("--ink"), width: 1.3, opacity: 0.55, type: study ? [5, 4] : "solid" },
  };
}

/** Bars from the cheap to the dear end of every price. */
function rangeBars(rows, profile) {
  const end = (row, at) => pricing.costOf(row.space, profile, row.point.design, state.scale, at).energy_j;
  return {
    type: "custom",
    name: "ranges",
    silent: true,
    z: 1,
    clip: true,
    encode: { x: [0, 1], y: 2 },
    data: rows.map((row) => [end(row, 1), end(row, 2), row.y]),
    renderItem: (_, api) => {
      const [[x1, y1], [x2, y2]] = [0, 1].map((at) => api.coord([api.value(at), api.value(2)]));
      const style = { stroke: color("--soft"), lineWidth: 1, opacity: 0.55 };
      return { type: "line", shape: { x1, y1, x2, y2 }, style };
    },
  };
}

/** The ends of the axis across; the longest names stand left of the front. */
function endsOf(rows, bars, width) {
  const all = [...rows.map((row) => row.x), ...bars.flatMap((one) => one.data.flatMap(([low, high]) => [low, high]))];
  const values = all.filter((value) => value > 0);
  const type = state.log ? "log" : "value";
  if (!values.length) return { type };
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const part = width < 500 ? 0.3 : 0.15; // of the axis, left free
  if (!state.log) return { type, min: Math.max(0, low - part * (high - low)), max: high + 0.03 * (high - low) };
  const room = Math.max(high / low, 1.5);
  return { type, min: low / room ** part, max: high * room ** 0.04 };
}

/** Where a value lies along an axis, from 0 to 1. */
function placeOf(value, { type, min, max }) {
  if (min === undefined) return 1;
  return type === "log" ? Math.log(value / min) / Math.log(max / min) : (value - min) / (max - min);
}

/** Round values along a logarithmic axis: 1, 2 and 5 of each power of ten, and more of them on a short one. */
function ticks({ type, min, max }) {
  if (type !== "log" || min === undefined) return {};
  const decades = Math.log10(max / min);
  const steps = decades > 4 ? [1] : decades > 1 ? [1, 2, 5] : decades > 0.4 ? [1, 1.5, 2, 3, 4, 5, 7] : fine();
  const values = [];
  for (let power = Math.floor(Math.log10(min)); power <= Math.log10(max); power++) {
    values.push(...steps.map((step) => Number(`${step}e${power}`)).filter((value) => value >= min && value <= max));
  }
  if (values.length < 2) return {};
  const customValues = values;
  const lines = { show: true, lineStyle: { color: color("--line"), opacity: 0.6 }, customValues };
  const axisLabel = { customValues, showMinLabel: true, showMaxLabel: true };
  return { axisTick: { customValues }, axisLabel, splitLine: lines };
}

const fine = () => Array.from({ length: 36 }, (_, at) => 1 + at / 4);

function tip(row) {
  if (!row) return "";
  const { point } = row;
  return el("div", { class: "tip" }, el("b", {}, row.label),
    el("div", {}, `${readable(row.top1, "%")} top-1${isEstimate(point) ? ", estimated" : ""} · `
      + `${readable(row.energy_j, "J")} · ${readable(row.latency_s, "s")}`),
    el("div", {}, `${readable(row.area, row.area_unit)} · ${readable(row.memory_bits, "bit")} kept · `
      + `${readable(row.ops, "count")} OPs`),
    meter(causes.map((name) => row.groups[name]), row.energy_j),
    el("div", { class: "soft" }, `${point.evidence}: ${point.source}`.slice(0, 180)),
    row.broken.length ? el("div", { class: "warn" }, `breaks the budget of ${row.broken.join(", ")}`) : null);
}

/** Make a place for each chart; those of the same view are drawn over. Gives the width of one. */
function placeCharts(view, count) {
  const place = $("chart");
  if (place.dataset.view !== view || charts.length !== count) {
    charts.forEach((chart) => chart.dispose());
    focused = -1;
    place.dataset.view = view;
    const blank = () => el("div", { class: "chart", tabindex: "0", role: "img" });
    place.replaceChildren(...Array.from({ length: count }, blank));
    charts = [...place.children].map((node) => echarts.init(node, null, { renderer: "canvas" }));
    for (const chart of charts) {
      chart.on("click", (event) => event.data?.id && pin(event.data.id));
      chart.getDom().addEventListener("keydown", (event) => onKey(event, chart));
    }
  }
  return charts[0]?.getWidth() ?? 0;
}

function fillChart(at, option, label) {
  charts[at].setOption(option, { replaceMerge: ["series", "xAxis", "yAxis"] });
  charts[at].getDom().setAttribute("aria-label", label);
}

function drawFront() {
  const profiles = shownProfiles();
  const all = profiles.map((profile) => rowsOn(profile));
  const tops = all.flat().map((row) => row.y);
  const [min, max] = [Math.floor(Math.min(...tops) - 0.5), Math.ceil(Math.max(...tops) + 0.5)];
  const extent = tops.length ? { min, max } : {};
  shown = all[0];
  const told = oneStudy(shown);
  $("verdict").replaceChildren(...verdict(told), ...survivors(told));
  const width = placeCharts("front", profiles.length);
  profiles.forEach((profile, at) => fillChart(at, frontOption(all[at], profile, extent, width),
    `${all[at].length} designs on ${profile.name}: top-1 accuracy against ${AXES[state.x].title}. `
    + "Arrow keys go along them; the table below says the same."));
  drawTable(all);
}

const designsOf = (chart) => {
  const { series } = chart.getOption();
  const at = series.findIndex((one) => one.name === "designs");
  return { at, items: series[at]?.data ?? [] };
};

/** Arrows go along the designs of a chart, Enter pins; what is reached is said aloud. */
function onKey(event, chart) {
  const { at, items } = designsOf(chart);
  const step = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
  if (!items.length || (!step && event.key !== "Enter")) return;
  event.preventDefault();
  if (event.key === "Enter") {
    if (items[focused]?.id) pin(items[focused].id);
    return;
  }
  chart.dispatchAction({ type: "downplay", seriesIndex: at });
  focused = (Math.max(focused, step > 0 ? -1 : 0) + step + items.length) % items.length;
  for (const type of ["highlight", "showTip"]) chart.dispatchAction({ type, seriesIndex: at, dataIndex: focused });
  const row = shown.find((one) => one.id === items[focused].id);
  if (!row) return;
  const front = row.front ? ", on the front" : "";
  const figures = `${readable(row.top1, "%")}, ${readable(row.energy_j, "J")}`;
  $("said").textContent = `${row.label}, ${figures}${front}. Enter pins it.`;
}

/** Show in the charts which design the table is at. */
function lift(id) {
  for (const chart of charts) {
    const { at, items } = designsOf(chart);
    chart.dispatchAction({ type: "downplay", seriesIndex: at });
    const dataIndex = items.findIndex((item) => item.id === id);
    chart.dispatchAction({ type: "highlight", seriesIndex: at, dataIndex });
  }
}
