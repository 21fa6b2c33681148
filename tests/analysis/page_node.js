// Prices every design of the page's data in node, as the page does: node page_node.js pricing.js data.json scale.json
"use strict";
const { readFileSync } = require("node:fs");
const [, , script, dataFile, scaleFile] = process.argv;
const { pricing } = require(script);
const { words } = require(script.replace("pricing.js", "words.js"));
const data = JSON.parse(readFileSync(dataFile, "utf8")), scale = JSON.parse(readFileSync(scaleFile, "utf8"));
const costs = {};
for (const space of data.spaces) {
  for (const profile of data.profiles) {
    for (const number of Object.keys(space.on[profile.name].priced)) {
      const cost = pricing.costOf(space, profile, Number(number), scale);
      const layers = pricing.layersOf(space, profile, Number(number), scale);
      costs[[space.designs[number].design, profile.name]] = {
        energy_j: cost.energy_j, latency_s: cost.latency_s, groups: cost.groups,
        layers_j: pricing.sum(layers.map((layer) => layer.operations + layer.memory + layer.rest)),
        ends_j: [1, 2].map((end) => pricing.costOf(space, profile, Number(number), scale, end).energy_j),
      };
    }
  }
}
const { quantiles = null, cells = [], fronts = [], widths = [], pairs = [], readable = [] } = data.asked ?? {};
const drawn = {};
if (quantiles) for (const space of data.spaces) for (const profile of data.profiles) {
  const { uncertain } = space.on[profile.name];
  for (const number of Object.keys(uncertain?.designs ?? {})) drawn[[space.designs[number].design, profile.name]] = quantiles.map((at) => pricing.drawnEnergy(uncertain, number, Object.fromEntries(uncertain.causes.map((name, place) => [name, at[place % at.length]]))));
}
const survives = {};
if (quantiles) for (const space of data.spaces) for (const profile of data.profiles) {
  const { uncertain } = space.on[profile.name], points = space.points.filter((point) => !point.study && uncertain?.designs[point.design]);
  const shares = pricing.survival(points.map((point) => ({ uncertain, number: point.design, ratio: 1, study: "", top1: point.top1, deviation: point.deviation })), 2000);
  survives[profile.name] = Object.fromEntries(points.map((point, at) => [point.label, shares[at]]));
}
process.stdout.write(JSON.stringify({
  costs, drawn, survives, cells: cells.map(words.csvCell), fronts: fronts.map((rows) => pricing.front(rows).map((row) => row.name).sort((a, b) => a - b)),
  widths: widths.map(([energy, known]) => pricing.widthAt(energy, known)), pairs: pairs.map((pair) => pricing.breakEven(...pair)),
  readable: readable.map(([value, unit]) => words.readable(value, unit)),
}));
