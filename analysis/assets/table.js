// The table of the designs: sortable, linked with the chart, and its text alternative.
"use strict";

function drawTable(all) {
  const rows = all[0];
  const other = all[1] && new Map(all[1].map((row) => [row.id, row]));
  const nominal = nominalRanks();
  const body = sorted(rows).map((row) => designRow(row, nominal, other));
  const caption = `Designs on ${state.profile}; a design's name pins it.`;
  const without = chosenSpaces().flatMap((space) => Object.values(space.on[state.profile]?.left_out ?? {}));
  $("table").replaceChildren(el("h2", {}, "The designs"), table(caption, heads(other), body),
    ...without.map((why) => soft(`Not here: ${why}`)));
}

function sorted(rows) {
  const value = (row) => {
    if (state.sort === "label") return row.label.toLowerCase();
    return state.sort === "top1" ? row.top1 : AXES[state.sort].of(row);
  };
  const order = (a, b) => (value(a) < value(b) ? -1 : value(a) > value(b) ? 1 : 0);
  return rows.toSorted((a, b) => order(a, b) * (state.down ? -1 : 1));
}

/** Ranks at the prices of the profile; none where no price is moved. */
function nominalRanks() {
  if (!moved().length) return null;
  return new Map(rowsOn(profileOf(state.profile), unmoved).map((row) => [row.id, row.rank]));
}

function heads(other) {
  const title = (name) => (name === "ops" ? "OPs" : AXES[name].title);
  const columns = [["label", "design"], ["top1", "top-1"], ...Object.keys(AXES).map((name) => [name, title(name)])];
  const plain = (text, isNumber) => el("th", { scope: "col", class: isNumber ? "number" : "" }, text);
  return [
    plain("rank", true),
    columns.map(([name, text]) => sortHead(name, text)),
    other ? plain(`energy on ${state.other}`, true) : null,
    plain("front", false),
    state.robust ? plain("on it in draws", true) : null,
    plain("accuracy by", false),
  ];
}

function sortHead(name, title) {
  const here = state.sort === name;
  const attributes = {
    scope: "col",
    class: name === "label" ? "" : "number",
    "aria-sort": here ? (state.down ? "descending" : "ascending") : "none",
  };
  const arrow = here ? (state.down ? " ↓" : " ↑") : "";
  return el("th", attributes, button(title + arrow, () => change({ sort: name, down: here && !state.down })));
}

function designRow(row, nominal, other) {
  const { point } = row;
  const classes = [row.broken.length ? "out" : "", row.front ? "front" : ""].join(" ");
  const raise = () => lift(row.id);
  const name = el("button", { type: "button", onclick: () => pin(row.id), onfocus: raise, onmouseenter: raise },
    symbolOf(point), ` ${row.label}`);
  return el("tr", { class: classes, "aria-selected": String(state.pins.includes(row.id)) },
    numeric(`${row.rank}${rankMoved(row, nominal)}`),
    el("th", { scope: "row" }, name),
    numeric(readable(row.top1, "%")),
    Object.values(AXES).map((one) => numeric(readable(one.of(row), one.unit(row)))),
    other ? numeric(readable(other.get(row.id)?.energy_j, "J")) : null,
    el("td", {}, row.broken.length ? `breaks ${row.broken.join(", ")}` : row.front ? "front" : ""),
    state.robust ? numeric(percent(row.survives)) : null,
    el("td", {}, point.evidence));
}

function rankMoved(row, nominal) {
  const was = nominal?.get(row.id) ?? row.rank;
  return was === row.rank ? "" : ` (${was > row.rank ? "▲" : "▼"}${Math.abs(was - row.rank)})`;
}
