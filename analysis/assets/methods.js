// The methods: what each asks for, costs alone, costs left out, and brings.
"use strict";

const MULTIPLYING = ["ensemble", "width"];
const signed = (points) => `${points < 0 ? "−" : "+"}${significant(Math.abs(points))}`;
const total = (energies) => pricing.scaled(energies ?? null, causes, state.scale);
const ascending = (pairs) => pairs.sort((a, b) => a[0] - b[0]);

function methodRows() {
  const priced = chosenSpaces().filter((space) => space.on[state.profile]?.methods);
  return priced.flatMap((space) => methodRowsOf(space, space.on[state.profile].methods));
}

function methodRowsOf(space, found) {
  const plain = total(found.plain);
  const widths = ascending(found.widths.map(([width, energies]) => [width, total(energies)]));
  const widened = found.measured.filter((one) => one.role === "width");
  const wide = ascending(widened.map((one) => [total(one.added), one.gain]));
  const gained = new Map(found.measured.map((one) => [one.label, one]));
  const named = new Set(found.methods.map((one) => one.method));
  const others = found.measured.filter((one) => !named.has(one.label));
  const more = others.map((one) => ({ method: one.label, category: one.role, summary: "", alone: one.added }));
  return [...found.methods, ...more].map((one) => {
    const [asked, alone, left_out] = ["asked", "alone", "left_out"].map((name) => total(one[name]));
    const gain = gained.get(one.method)?.gain ?? null;
    return {
      ...one, space, asked, alone, left_out, gain, wide,
      role: gained.get(one.method)?.role,
      protocols: found.protocols,
      sure: found.sure,
      width: alone === null || plain === null ? null : pricing.widthAt(plain + alone, widths),
      line: gain === null || alone === null ? null : pricing.widened(alone, wide),
      label: one.method + (state.networks.length > 1 ? `, ${space.network}` : ""),
      rate: gain !== null && alone > 0 ? gain / (alone * 1e6) : null,
    };
  });
}

function drawMethods() {
  shown = [];
  const rows = methodRows();
  if (!rows.length) {
    $("verdict").textContent = "The methods of this network are not priced one by one here, since few binary designs "
      + "of it are published; bnncost table does that.";
    $("table").replaceChildren();
    placeCharts("none", 0);
    return;
  }
  const gained = rows.filter((row) => row.gain !== null && row.alone !== null);
  const profile = profileOf(state.profile);
  const held = moved().length ? [el("span", { class: "warn" }, " Mapping held.")] : [];
  $("verdict").replaceChildren(...methodVerdict(gained), ...held);
  placeCharts(`methods ${gained.length > 0}`, 1);
  const option = gained.length ? gainOption(gained, profile) : barOption(rows, profile);
  fillChart(0, option, "Methods; the table below says the same.");
  drawMethodTable(rows);
}

function methodVerdict(gained) {
  if (!gained.length) {
    return ["No study of this network ships, so there are no gains here: what each repair asks for, what is left of "
      + "it alone, and what leaving it out of a full design saves. Ensembles and width, which multiply the network, "
      + "are in the table alone."];
  }
  const repairs = gained.filter((row) => row.role !== "width");
  const pays = repairs.filter((row) => row.line !== null && row.gain > row.line).sort((a, b) => b.gain - a.gain);
  const cost = (row) => (row.alone > 0 ? ` for ${readable(row.alone, "J")}` : ", free");
  const named = pays.map((row) => `${row.label} (${significant(row.gain)} points${cost(row)})`).join(", ");
  const bold = `${pays.length} of ${repairs.length} measured repairs bring more than widening for their energy`;
  return [el("b", {}, bold), pays.length ? `: ${named}.` : ".", ` ${gained[0].sure}`];
}

function gainOption(gained, profile) {
  const widening = wideningLine(gained);
  const tint = (row) => color(row.role === "width" ? "--low" : "--binary");
  const mark = (row) => ({
    value: [row.alone, row.gain],
    row,
    symbol: row.role === "width" ? "diamond" : "circle",
    itemStyle: { color: tint(row) },
  });
  const name = ({ data: { row } }) => (row.role === "width" ? "widen: " : "") + row.label;
  const across = "energy added alone, over the plain network";
  return {
    ...base(`${profile.name}: measured gain against added energy`),
    xAxis: axis(across, "J", { type: "value", nameGap: 30 }),
    yAxis: axis("gain [points]", "points", { type: "value", nameGap: 40 }),
    tooltip: tooltip({ formatter: (event) => (event.data?.row ? methodTip(event.data.row) : "") }),
    series: [
      { type: "line", name: "widen", silent: true, symbol: "none", data: widening,
        lineStyle: { color: color("--low"), width: 2 } },
      { type: "scatter", name: "designs", symbolSize: 11, labelLayout: { hideOverlap: true }, data: gained.map(mark),
        label: { show: true, position: "right", formatter: name, color: color("--ink"), fontSize: 11 } },
    ],
  };
}

/** What widening brings for an energy, as far as any repair goes. */
function wideningLine(gained) {
  const { wide } = gained[0];
  if (!wide.length) return [];
  const far = Math.max(...gained.map((row) => row.alone), 0);
  const energies = [0, ...wide.map(([energy]) => energy), Math.max(far, wide.at(-1)[0])];
  return energies.map((energy) => [energy, pricing.widened(energy, wide)]);
}

function barOption(rows, profile) {
  const size = (row) => Math.max(...[row.asked, row.alone, row.left_out].map((value) => Math.abs(value ?? 0)));
  const drawn = rows.filter((row) => !MULTIPLYING.includes(row.category) && size(row) > 0)
    .sort((a, b) => (a.alone ?? 0) - (b.alone ?? 0));
  const kinds = [["asked", "asks for", "#8a8a8a"], ["alone", "costs alone", color("--binary")],
    ["left_out", "costs left out", color("--low")]];
  const names = drawn.map((row) => row.label);
  const axisLabel = { color: color("--soft"), fontSize: 11 };
  return {
    ...base(`${profile.name}: energy of each method`),
    grid: { left: 8, right: 20, top: 64, bottom: 44, containLabel: true },
    legend: { top: 34, left: 14, textStyle: { color: color("--soft") } },
    tooltip: tooltip({ trigger: "axis", valueFormatter: (value) => readable(value, "J") }),
    xAxis: axis("energy", "J", { type: "value", nameGap: 28 }),
    yAxis: { type: "category", data: names, axisLabel },
    series: kinds.map(([name, title, tint]) =>
      ({ type: "bar", name: title, itemStyle: { color: tint }, data: drawn.map((row) => row[name]) })),
  };
}

function methodTip(row) {
  const energies = `asks for ${readable(row.asked, "J")}, alone ${readable(row.alone, "J")}, left out `
    + readable(row.left_out, "J");
  return el("div", { class: "tip" }, el("b", {}, row.label), el("div", {}, row.summary),
    el("div", { class: "soft" }, `${energies}; gain ${significant(row.gain)} points`));
}

function drawMethodTable(rows) {
  const order = (a, b) => (b.gain ?? -99) - (a.gain ?? -99) || (a.alone ?? 0) - (b.alone ?? 0);
  const columns = [["method"], ["category"], ["asks for", true], ["costs alone", true], ["costs left out", true],
    ["as wide as", true], ["gain", true], ["per µJ", true], ["against widening"]];
  const { protocols } = rows[0];
  const said = protocols.length ? `Gains in points of top-1 over the fair pair of each: ${protocols.join("; ")}.` : "";
  $("table").replaceChildren(el("h2", {}, "The methods"),
    grid(columns, rows.toSorted(order).map(methodCells), "Methods"), soft(`${said} As wide as: the width of the plain `
      + "network that the energy buys, between the widths that are priced, on logarithmic axes."));
}

function methodCells(row) {
  const free = row.gain > 0 && row.alone === 0 ? "free" : "–";
  const against = row.role === "width" || row.line === null ? "" : row.gain > row.line ? "brings more" : "brings less";
  return [
    el("span", { title: row.summary }, row.label),
    row.category,
    ...[row.asked, row.alone, row.left_out].map((value) => readable(value, "J")),
    row.width === null ? "–" : `×${significant(row.width)}`,
    row.gain === null ? "–" : signed(row.gain),
    row.rate === null ? free : significant(row.rate),
    against,
  ];
}
