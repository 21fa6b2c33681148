// What the explorer calculates: energy is counts times prices, so that prices can move while the mapping is held.
// There is no page in here; tests run this file in node and hold it against Python.
"use strict";

const pricing = (() => {
  const [VALUE, LOW, HIGH] = [0, 1, 2]; // places of a figure and of its ends
  const APART = 3; // ends so many times apart are answers that differ

  /** Energy [J] by group, latency [s] of a design on a profile with groups times `scale`, at an `end` of ranges. */
  function costOf(space, profile, number, scale, end = VALUE) {
    const priced = space.on[profile.name].priced[number];
    const groups = Object.fromEntries(Object.keys(scale).filter((name) => name !== "clock").map((name) => [name, 0]));
    for (const [, , operation, count] of space.designs[number].counts) {
      const known = profile.operations[space.operations[operation]];
      groups[known.group] += count * known.price_j[end];
    }
    for (const [level, read, write, ...own] of priced.levels) {
      const at = profile.levels[level];
      groups[at.group] += levelEnergy(at, read, write, own) * (end === VALUE ? 1 : at.ends[end - 1]);
    }
    const clock_hz = profile.clock_hz[{ [VALUE]: VALUE, [LOW]: HIGH, [HIGH]: LOW }[end]]; // a fast clock leaks less
    const latency_s = priced.cycles / (clock_hz * scale.clock);
    const leakage_w = sum(Object.values(priced.leakage_w));
    groups.control += priced.control_cycles * profile.control_j[end];
    for (const [name, cycles] of Object.entries(priced.array_cycles)) {
      groups.control += cycles * profile.arrays[name][end];
    }
    groups.leakage += leakage_w * latency_s * (end === VALUE ? 1 : profile.leakage_ends[end - 1]);
    for (const name of Object.keys(groups)) groups[name] *= scale[name];
    return { groups, energy_j: sum(Object.values(groups)), latency_s };
  }

  function levelEnergy(level, read, write, own) {
    const [read_j, write_j] = own.length ? own : level.price_j;
    return read * read_j + write * write_j;
  }

  /** Energy [J] of each layer: operations, memory, and by its cycles a share of control and leakage. */
  function layersOf(space, profile, number, scale) {
    const design = space.designs[number];
    const priced = space.on[profile.name].priced[number];
    const leakage_w = sum(Object.values(priced.leakage_w)) * scale.leakage;
    const control_j = profile.control_j[VALUE] * scale.control;
    const leakage_j = leakage_w / (profile.clock_hz[VALUE] * scale.clock);
    const rows = design.layers.map((name, at) => {
      const [cycles, controlled, clock_j, ...bits] = priced.layers[at];
      const memory = priced.levels.map(([level, , , ...own], place) => {
        const of = profile.levels[level];
        return levelEnergy(of, bits[2 * place], bits[2 * place + 1], own) * scale[of.group];
      });
      const rest = controlled * control_j + clock_j * scale.control + cycles * leakage_j;
      return { name, cycles, operations: 0, memory: sum(memory), rest };
    });
    for (const [layer, , operation, count] of design.counts) {
      const known = profile.operations[space.operations[operation]];
      rows[layer].operations += count * known.price_j[VALUE] * scale[known.group];
    }
    return rows;
  }

  /** Operations as papers count them: MACs, and a sixty-fourth of the binary ones. */
  function opsOf(space, number) {
    return sum(space.designs[number].counts.map(([, , operation, count]) => {
      const [name, precision] = space.operations[operation].split(" ");
      return name !== "mac" ? 0 : precision === "1x1" ? count / 64 : count;
    }));
  }

  /** Energies by group [J] under moved prices, summed; leakage follows the clock. */
  function scaled(energies, names, scale) {
    return energies && sum(energies.map((energy, at) =>
      energy * scale[names[at]] / (names[at] === "leakage" ? scale.clock : 1)));
  }

  /** Mark the rows that no other beats: lower `x`, higher `y`. Equal ones are all kept. */
  function front(rows) {
    const order = [...rows].sort((a, b) => a.x - b.x || b.y - a.y);
    const kept = [];
    for (const row of order) {
      const best = kept.at(-1);
      if (!best || row.y > best.y || (row.y === best.y && row.x === best.x)) kept.push(row);
    }
    return kept;
  }

  /** The factor on a value at a quantile of its range, as `at_quantile` of costmodel/evaluate/uncertain.py has it. */
  function atQuantile(quantile, low, high) {
    if (high >= APART * low) return [low, 1, high][Math.min(Math.floor(quantile * 3), 2)];
    const [below, above] = [-Math.log(low), Math.log(high)];
    const width = below + above;
    if (quantile * width < below) return Math.exp(-below + Math.sqrt(quantile * width * below));
    return Math.exp(above - Math.sqrt((1 - quantile) * width * above));
  }

  /** Energy [J] of a design with every cause at a quantile of its figures' ranges; `quantiles` has them by name. */
  function drawnEnergy(uncertain, number, quantiles) {
    const [energy_j, parts, byRate, low, high] = uncertain.designs[number];
    const factor = uncertain.of.map((cause, at) => atQuantile(quantiles[uncertain.causes[cause]], low[at], high[at]));
    return energy_j + sum(parts.map((part, at) => part * (factor[at] - 1) +
      sum(byRate[at].map((common, rate) => common * factor[at] * (factor[parts.length + rate] - 1)))));
  }

  /** The share of draws in which each row is on the front of its study; all rows see the same draw of every figure. */
  function survival(rows, draws) {
    const random = generator(1);
    const names = [...new Set(rows.flatMap((row) => row.uncertain.causes))];
    const studies = [...new Set(rows.map((row) => row.study))];
    const kept = rows.map(() => 0);
    for (let draw = 0; draw < draws; draw++) {
      const quantiles = Object.fromEntries(names.map((name) => [name, random()]));
      const points = rows.map((row, at) => drawnPoint(row, at, quantiles, random));
      for (const study of studies) {
        for (const point of front(points.filter(({ at }) => rows[at].study === study))) kept[point.at] += 1 / draws;
      }
    }
    return kept;
  }

  /** A row's energy and accuracy in one draw; energies that only rounding tells apart are the same. */
  function drawnPoint(row, at, quantiles, random) {
    const energy_j = row.ratio * drawnEnergy(row.uncertain, row.number, quantiles);
    return { at, x: Number(energy_j.toPrecision(12)), y: row.top1 + row.deviation * normal(random) };
  }

  /** Numbers between 0 and 1 that come again with the same seed (mulberry32). */
  function generator(seed) {
    return () => {
      seed = (seed + 0x6D2B79F5) | 0;
      let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed);
      mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
      return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
    };
  }

  function normal(random) { return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random()); }

  /** Factor on one group's price at which two designs use as much energy; null where there is none. */
  function breakEven(one, other, group) {
    const gap = one.energy_j - other.energy_j;
    const slope = one.groups[group] - other.groups[group];
    const factor = 1 - gap / slope;
    return Math.abs(slope) > 1e-9 * one.energy_j && factor > 0 ? factor : null;
  }

  /** Width at which the plain network uses an energy, between those known on logarithmic axes; null beyond them. */
  function widthAt(energy_j, widths) {
    for (let at = 1; at < widths.length; at++) {
      const [[left, low], [right, high]] = [widths[at - 1], widths[at]];
      if (energy_j >= low && energy_j <= high) {
        const part = high === low ? 0 : Math.log(energy_j / low) / Math.log(high / low);
        return left * (right / left) ** part;
      }
    }
    return null;
  }

  /** Gain that widening brings for an energy, along straight lines through the widths measured; null where none was. */
  function widened(energy_j, wide) {
    if (!wide.length) return null;
    if (energy_j <= 0) return 0;
    const line = [[0, 0], ...wide];
    const above = line.findIndex(([energy]) => energy >= energy_j);
    const at = above < 0 ? line.length - 1 : above;
    const [[x0, y0], [x1, y1]] = [line[at - 1], line[at]];
    return y0 + (energy_j - x0) * (y1 - y0) / (x1 - x0);
  }

  function sum(values) { return values.reduce((total, value) => total + value, 0); }

  return { costOf, layersOf, opsOf, scaled, front, breakEven, widthAt, widened, sum, drawnEnergy, survival };
})();

if (typeof document === "undefined") module.exports = { pricing };
