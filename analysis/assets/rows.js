// The designs that are shown, each with its cost at the prices as moved, and what words say of them.
"use strict";

const DRAWS = 500;
const SURE = 0.95;
const studiesOf = (rows) => unique(rows.map((row) => row.point.study));

function isSeen(point) {
  const hidden = state.off.includes(point.class) || state.unseen.includes(point.evidence);
  return !hidden && state.methods.every((name) => point.methods.includes(name));
}

function rowsOn(profile, scale = state.scale) {
  const rows = chosenSpaces().flatMap((space) =>
    space.points
      .filter((point) => isSeen(point) && space.on[profile.name]?.priced[point.design])
      .map((point) => rowOf(space, point, profile, scale)));
  for (const study of studiesOf(rows)) {
    for (const row of pricing.front(rows.filter((one) => one.point.study === study))) row.front = true;
  }
  rows.sort((a, b) => a.x - b.x);
  rows.forEach((row, at) => { row.rank = at + 1; });
  if (state.robust && scale === state.scale) survive(rows, profile);
  return rows;
}

/** Give each row the share of draws in which it stays on the front by energy; moved prices move it as a whole. */
function survive(rows, profile) {
  const drawn = rows.map((row) => {
    const { uncertain } = row.space.on[profile.name];
    const ratio = row.energy_j / uncertain.designs[row.point.design][0];
    const { study, deviation } = row.point;
    return { uncertain, number: row.point.design, ratio, study, top1: row.top1, deviation };
  });
  pricing.survival(drawn, DRAWS).forEach((share, at) => { rows[at].survives = share; });
}

function rowOf(space, point, profile, scale = state.scale) {
  const design = space.designs[point.design];
  const priced = space.on[profile.name].priced[point.design];
  const area_unit = ["mm2", "lut"].find((name) => name in priced.area) ?? "bit";
  const row = {
    ...pricing.costOf(space, profile, point.design, scale),
    id: idOf(point), space, point, profile, design, priced, area_unit,
    area: area_unit in priced.area ? priced.area[area_unit] : pricing.sum(Object.values(priced.area)),
    y: point.top1,
    top1: point.top1,
    front: false,
    memory_bits: pricing.sum(Object.values(design.memory_bits)),
    ops: pricing.opsOf(space, point.design),
    label: point.label + (state.networks.length > 1 ? `, ${space.network}` : ""),
  };
  row.x = AXES[state.x].of(row);
  row.broken = Object.keys(BUDGETS).filter((name) => state.budgets[name] !== null && excess(row, name) > 0);
  return row;
}

function rowOfPin(id, profile) {
  for (const space of data.spaces) {
    const point = space.points.find((one) => idOf(one) === id);
    if (point && space.on[profile.name]?.priced[point.design]) return rowOf(space, point, profile);
  }
  return null;
}

/** By how much a row breaks a budget: a ratio less one, or points of accuracy; not where it is not positive. */
function excess(row, name) {
  return name === "top1" ? state.budgets.top1 - row.top1 : AXES[name].of(row) / state.budgets[name] - 1;
}

/** The designs that words speak of: the published ones, else those of one study: accuracies of two do not compare. */
function oneStudy(rows) {
  const study = rows.some((row) => row.point.study === "") ? "" : rows[0]?.point.study;
  return rows.filter((row) => row.point.study === study);
}

function verdict(rows) {
  if (!rows.length) return [whyNone()];
  const front = rows.filter((row) => row.front && !row.broken.length);
  const limited = Object.values(state.budgets).some((value) => value !== null);
  const fits = limited ? whatFits(rows) : [];
  return front.length ? [...fits, frontInWords(front, limited), ...rivals(rows, front), ...mappingHeld()] : fits;
}

function whyNone() {
  const some = chosenSpaces().some((space) =>
    space.points.some((point) => space.on[state.profile]?.priced[point.design]));
  return some
    ? "No design is left: allow more classes, sources or methods."
    : `No design has a cost on ${state.profile}; why is said below the table.`;
}

function whatFits(rows) {
  const fits = rows.filter((row) => !row.broken.length);
  const best = fits.toSorted((a, b) => b.top1 - a.top1 || a.x - b.x)[0];
  if (best) {
    const cost = `${readable(best.top1, "%")} for ${readable(best.energy_j, "J")} in ${readable(best.latency_s, "s")}`;
    return [el("b", {}, `${fits.length} of ${rows.length} designs fit`),
      `; the best is ${best.label}, ${best.point.class}, ${cost}. `];
  }
  const lack = (row) =>
    Math.max(...row.broken.map((name) => (name === "top1" ? excess(row, name) / 10 : excess(row, name))));
  const near = rows.toSorted((a, b) => lack(a) - lack(b))[0];
  const misses = near.broken.map((name) => (name === "top1"
    ? `accuracy by ${significant(excess(near, name))} points`
    : `${name} by ${significant(100 * excess(near, name))} %`));
  return [el("span", { class: "warn" }, "No design fits"),
    `; ${near.label} is nearest and misses ${misses.join(", ")}. `];
}

function frontInWords(front, limited) {
  const [first, last] = [front[0], front.at(-1)].map((row) => `${row.label} (${readable(row.top1, "%")})`);
  return `${front.length} designs are on the front${limited ? " within the budgets" : ""}, from ${first} to ${last}. `;
}

/** Where networks of more bits beat binary ones, or what the next point beyond these costs. */
function rivals(rows, front) {
  const binary = front.filter((row) => row.point.class === "binary").at(-1);
  if (!binary) return [];
  const better = (row) => row.point.class !== "binary" && row.top1 > binary.top1 && !row.broken.length;
  const dearer = rows.filter(better).sort((a, b) => a.x - b.x)[0];
  if (dearer && dearer.x > binary.x) {
    return [`Above ${readable(binary.top1, "%")} no binary design is shown: ${dearer.label} brings `
      + `${significant(dearer.top1 - binary.top1)} points more than ${binary.label} for `
      + `${significant(dearer.x / binary.x)} times its ${AXES[state.x].title.split(" (")[0]}. `];
  }
  const rival = front.find((row) => row.point.class !== "binary");
  if (!rival || rival.x > binary.x) return [];
  const at = readable(rival.x, AXES[state.x].unit(rival));
  return [`${rival.label}, ${rival.point.class}, beats every binary design that costs more than ${at}. `];
}

function mappingHeld() {
  if (!moved().length) return [];
  const prices = moved().map((name) => `${data.groups[name] ?? name} ×${significant(state.scale[name])}`).join(", ");
  return [el("span", { class: "warn" }, "Mapping held: "),
    `prices are moved (${prices}), mappings are those of ${state.profile}.`];
}

/** A share in percent, which is 0 or 100 only where there was no exception. */
function percent(share) {
  const rounded = Math.round(100 * share);
  if (rounded === 0 && share > 0) return "< 1 %";
  return rounded === 100 && share < 1 - 1e-9 ? "> 99 %" : `${rounded} %`;
}

/** Which designs stay on the front whatever the figures, and which may. */
function survivors(rows) {
  if (!state.robust) return [];
  const named = (some) => some.map((row) => `${row.label} (${percent(row.survives)})`).join(", ") || "none";
  const sure = rows.filter((row) => row.survives >= SURE);
  const may = rows.filter((row) => row.survives < SURE && row.survives > 1 - SURE);
  return [el("p", {}, el("b", {}, "Does it survive? "),
    `In ${DRAWS} draws of all figures within their ranges, the same for every design, on the front by energy in `
    + `95 % of them or more: ${named(sure)}. Maybe: ${named(may)}. bnncost robust says which figure would turn what.`)];
}
