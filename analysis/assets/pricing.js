// What the explorer calculates: energy is counts times prices, so that prices can move while the mapping is held. There is no
// page in here; tests run this file in node and hold it against Python.
"use strict";

const pricing = (() => {
  const VALUE = 0, LOW = 1, HIGH = 2, APART = 3;

  /** Energy [J] by group, latency [s] of one design on a profile; `scale` multiplies groups, `end` picks the end of ranges. */
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
    const latency_s = priced.cycles / (profile.clock_hz[[VALUE, HIGH, LOW][end] === VALUE ? 0 : end === LOW ? 2 : 1] * scale.clock);
    const leakage_w = Object.values(priced.leakage_w).reduce((sum, power) => sum + power, 0);
    groups.control += priced.control_cycles * profile.control_j[end];
    for (const [name, cycles] of Object.entries(priced.array_cycles)) groups.control += cycles * profile.arrays[name][end];
    groups.leakage += leakage_w * latency_s * (end === VALUE ? 1 : profile.leakage_ends[end - 1]);
    for (const name of Object.keys(groups)) groups[name] *= scale[name];
    return { groups, energy_j: sum(Object.values(groups)), latency_s };
  }

  function levelEnergy(level, read, write, own) {
    const [read_j, write_j] = own.length ? own : level.price_j;
    return read * read_j + write * write_j;
  }

  /** Energy [J] of each layer: operations, memory, and by its cycles a share of control and leakage. They sum to the total. */
  function layersOf(space, profile, number, scale) {
    const design = space.designs[number], priced = space.on[profile.name].priced[number];
    const leakage_w = sum(Object.values(priced.leakage_w)) * scale.leakage;
    const control_j = profile.control_j[VALUE] * scale.control, leakage_j = leakage_w / (profile.clock_hz[VALUE] * scale.clock);
    const rows = design.layers.map((name, at) => {
      const [cycles, controlled, clock_j, ...bits] = priced.layers[at];
      const memory = priced.levels.map(([level, , , ...own], place) => {
        const of = profile.levels[level];
        return levelEnergy(of, bits[2 * place], bits[2 * place + 1], own) * scale[of.group];
      });
      return { name, cycles, operations: 0, memory: sum(memory), rest: controlled * control_j + clock_j * scale.control + cycles * leakage_j };
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
    let best = -Infinity, at = NaN;
    for (const row of order) {
      if (row.y > best) { kept.push(row); best = row.y; at = row.x; } else if (row.y === best && row.x === at) kept.push(row);
    }
    return kept;
  }

  /** The factor on a value at a quantile of its range, as `at_quantile` of costmodel/evaluate/uncertain.py has it. */
  function atQuantile(quantile, low, high) {
    if (high >= APART * low) return [low, 1, high][Math.min(Math.floor(quantile * 3), 2)];
    const below = -Math.log(low), above = Math.log(high), width = below + above;
    return quantile * width < below ? Math.exp(-below + Math.sqrt(quantile * width * below)) : Math.exp(above - Math.sqrt((1 - quantile) * width * above));
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
    const random = generator(1), causes = [...new Set(rows.flatMap((row) => row.uncertain.causes))], kept = rows.map(() => 0);
    const studies = [...new Set(rows.map((row) => row.study))].map((study) => rows.map((row, at) => at).filter((at) => rows[at].study === study));
    for (let draw = 0; draw < draws; draw++) {
      const quantiles = Object.fromEntries(causes.map((name) => [name, random()]));
      const points = rows.map((row, at) => ({ at, x: Number((row.ratio * drawnEnergy(row.uncertain, row.number, quantiles)).toPrecision(12)), y: row.top1 + row.deviation * normal(random) }));
      for (const group of studies) for (const point of front(group.map((at) => points[at]))) kept[point.at] += 1 / draws;
    }
    return kept;
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
    const gap = one.energy_j - other.energy_j, slope = one.groups[group] - other.groups[group];
    const factor = 1 - gap / slope;
    return Math.abs(slope) > 1e-9 * one.energy_j && factor > 0 ? factor : null;
  }

  /** Width at which the plain network uses an energy, between those known on logarithmic axes; null beyond them. */
  function widthAt(energy_j, widths) {
    for (let at = 1; at < widths.length; at++) {
      const [left, low] = widths[at - 1], [right, high] = widths[at];
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
    const line = [[0, 0], ...wide], above = line.findIndex(([energy]) => energy >= energy_j), at = above < 0 ? line.length - 1 : above;
    const [[x0, y0], [x1, y1]] = [line[at - 1], line[at]];
    return y0 + (energy_j - x0) * (y1 - y0) / (x1 - x0);
  }

  function sum(values) { return values.reduce((total, value) => total + value, 0); }

  return { costOf, layersOf, opsOf, scaled, front, breakEven, widthAt, widened, sum, drawnEnergy, survival };
})();

const words = (() => {
  const metric = [["a", 1e-18], ["f", 1e-15], ["p", 1e-12], ["n", 1e-9], ["µ", 1e-6], ["m", 1e-3], ["", 1], ["k", 1e3], ["M", 1e6], ["G", 1e9]];
  const bits = [[" bit", 1], [" B", 8], [" kB", 8192], [" MB", 8192 * 1024]];

  function significant(value) {
    if (!Number.isFinite(value)) return "–";
    const rounded = Number(value.toPrecision(3)), size = Math.abs(rounded);
    if (size === 0) return "0";
    if (size < 1e-3) return rounded.toExponential().replace("e-", "·10⁻").replace(/[0-9]+$/, (n) => [...n].map((d) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[d]).join(""));
    return size >= 1000 ? rounded.toLocaleString("en") : size >= 100 ? rounded.toFixed(0) : size >= 10 ? rounded.toFixed(1) : rounded.toFixed(2);
  }

  /** A number with three digits and a unit of fitting size: readable(1.46e-6, "J") is "1.46 µJ". */
  function readable(value, unit) {
    if (value === null || value === undefined || !Number.isFinite(value)) return "–";
    if (value === 0) return unit === "count" ? "0" : `0 ${unit}`;
    if (unit === "%") return `${value.toFixed(2).replace(/0$/, "")} %`;
    const size = Math.abs(Number(value.toPrecision(3)));
    if (unit === "bit") { const [name, of] = bits.filter(([, s]) => size >= s).pop() || bits[0]; return significant(value / of) + name; }
    if (unit === "mm2") return size < 1e-3 ? `${significant(value * 1e6)} µm²` : `${significant(value)} mm²`;
    if (unit === "lut" || unit === "dsp" || unit === "bram") return `${Math.round(value).toLocaleString("en")} ${unit.toUpperCase()}`;
    const [prefix, of] = metric.filter(([, s]) => size >= s * (1 - 1e-12)).pop() || metric[0];
    return `${significant(value / of)} ${prefix}${unit === "count" ? "" : unit}`.trim();
  }

  /** A cell of CSV; text that a spreadsheet would run as a formula is quoted as text. */
  function csvCell(value) {
    if (typeof value === "number") return String(value);
    const runs = /^\s*[=+\-@]|^[\t\r]/.test(value) && !Number.isFinite(Number(value));
    const text = runs ? `'${value}` : String(value ?? "");
    return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  }

  return { significant, readable, csvCell };
})();

if (typeof document === "undefined") module.exports = { pricing, words };
