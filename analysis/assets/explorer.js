// The explorer's page: what is chosen, moved and pinned, drawn. All text that comes from data or from the address is written as
// text, never as markup.
"use strict";

unpack(document.getElementById("data").textContent).then(explorer);

async function unpack(text) {
  const bytes = Uint8Array.from(atob(text.trim()), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(stream).text());
}

function explorer(data) {
  const { readable, significant } = words;
  const AXES = {
    energy: { title: "energy", unit: () => "J", of: (row) => row.energy_j },
    latency: { title: "latency", unit: () => "s", of: (row) => row.latency_s },
    area: { title: "area", unit: (row) => row?.area_unit ?? "", of: (row) => row.area },
    memory: { title: "memory", unit: () => "bit", of: (row) => row.memory_bits },
    ops: { title: "OPs (MACs + binary MACs / 64)", unit: () => "count", of: (row) => row.ops },
  };
  const BUDGETS = { energy: "at most", latency: "at most", memory: "at most", top1: "at least" };
  const COLORS = { binary: "--binary", "low-bit": "--low", "full precision": "--full" };
  const SYMBOLS = { binary: "circle", "low-bit": "diamond", "full precision": "rect" };
  const CAUSES = Object.keys(data.groups), DRAWS = 500;
  const TINTS = ["#0072b2", "#56b4e9", "#009e73", "#8fcf9f", "#e69f00", "#d55e00", "#a0437c", "#8a8a8a"];
  const datasets = [...new Set(data.spaces.map((space) => space.dataset))];
  const served = location.protocol.startsWith("http");
  const unmoved = Object.fromEntries([...CAUSES, "clock"].map((name) => [name, 1]));
  const $ = (id) => document.getElementById(id);
  let charts = [], shown = [], focus = -1, state = readState();

  // ---------------------------------------------------------------- the page's state, and the address that holds it

  function readState() {
    const asked = new URLSearchParams(location.hash.slice(1)), one = (name, known, other) => known.includes(asked.get(name)) ? asked.get(name) : other;
    const many = (name, known) => (asked.get(name) ?? "").split("~").filter((item) => known.includes(item));
    const number = (text) => text !== null && text !== "" && Number.isFinite(Number(text)) && Number(text) > 0 ? Number(text) : null;
    const dataset = one("data", datasets, data.spaces[0].dataset);
    const networks = data.spaces.filter((space) => space.dataset === dataset).map((space) => space.network);
    const first = data.spaces.find((space) => space.dataset === dataset).network;
    const profiles = data.profiles.map((profile) => profile.name), points = data.spaces.flatMap((space) => space.points);
    const chosen = many("nets", networks);
    const scale = { ...unmoved };
    for (const name of Object.keys(scale)) scale[name] = Math.min(16, Math.max(1 / 16, number(asked.get(`p.${name}`)) ?? 1));
    return {
      view: one("view", ["front", "methods"], "front"), dataset, networks: chosen.length ? chosen : [first],
      profile: one("on", profiles, profiles[0]), other: one("beside", profiles, ""), x: one("x", Object.keys(AXES), "energy"),
      log: asked.get("lin") !== "1", hide: asked.get("hide") === "1", ranges: asked.get("ranges") === "1", robust: asked.get("robust") === "1",
      off: many("off", data.classes), unseen: many("unseen", [...new Set(points.map((point) => point.evidence))]),
      methods: many("with", [...new Set(points.flatMap((point) => point.methods))]),
      budgets: Object.fromEntries(Object.keys(BUDGETS).map((name) => [name, number(asked.get(`b.${name}`))])),
      scale, pins: many("pin", points.map(idOf)).slice(0, 2), sort: one("sort", ["label", "top1", ...Object.keys(AXES)], "energy"),
      down: asked.get("down") === "1",
    };
  }

  function writeState() {
    const put = { data: state.dataset, nets: state.networks.join("~"), on: state.profile, beside: state.other, view: state.view, x: state.x,
      lin: state.log ? "" : "1", hide: state.hide ? "1" : "", ranges: state.ranges ? "1" : "", robust: state.robust ? "1" : "", off: state.off.join("~"),
      unseen: state.unseen.join("~"), with: state.methods.join("~"), pin: state.pins.join("~"), sort: state.sort === "energy" ? "" : state.sort, down: state.down ? "1" : "" };
    for (const [name, value] of Object.entries(state.budgets)) put[`b.${name}`] = value === null ? "" : String(Number(value.toPrecision(6)));
    for (const [name, value] of Object.entries(state.scale)) put[`p.${name}`] = value === 1 ? "" : String(Number(value.toPrecision(4)));
    const text = new URLSearchParams(Object.entries(put).filter(([, value]) => value !== "")).toString();
    history.replaceState(null, "", `#${text}`);
  }

  function idOf(point) { return point.study ? `${point.study}:${point.name}` : point.name; }
  const studiesOf = (rows) => [...new Set(rows.map((row) => row.point.study))];
  const profileOf = (name) => data.profiles.find((profile) => profile.name === name);
  const moved = () => Object.keys(state.scale).filter((name) => state.scale[name] !== 1);

  // ---------------------------------------------------------------- what is shown

  function rowsOn(profile, scale = state.scale) {
    const rows = [];
    for (const space of chosenSpaces()) {
      for (const point of space.points) {
        if (state.off.includes(point.class) || state.unseen.includes(point.evidence)) continue;
        if (!state.methods.every((name) => point.methods.includes(name))) continue;
        if (space.on[profile.name]?.priced[point.design]) rows.push(rowOf(space, point, profile, scale));
      }
    }
    for (const study of studiesOf(rows)) {
      for (const row of pricing.front(rows.filter((one) => one.point.study === study))) row.front = true;
    }
    rows.sort((a, b) => a.x - b.x).forEach((row, at) => { row.rank = at + 1; });
    if (state.robust && scale === state.scale) survive(rows, profile);
    return rows;
  }

  /** Give each row the share of draws in which it stays on the front by energy; moved prices move it as a whole. */
  function survive(rows, profile) {
    const drawn = rows.map((row) => { const uncertain = row.space.on[profile.name].uncertain; return { uncertain, number: row.point.design, ratio: row.energy_j / uncertain.designs[row.point.design][0], study: row.point.study, top1: row.top1, deviation: row.point.deviation }; });
    pricing.survival(drawn, DRAWS).forEach((share, at) => { rows[at].survives = share; });
  }

  function rowOf(space, point, profile, scale = state.scale) {
    const design = space.designs[point.design], priced = space.on[profile.name].priced[point.design];
    const cost = pricing.costOf(space, profile, point.design, scale);
    const unit = ["mm2", "lut"].find((name) => name in priced.area) ?? "bit";
    const area = unit in priced.area ? priced.area[unit] : pricing.sum(Object.values(priced.area));
    const row = { ...cost, id: idOf(point), space, point, profile, design, priced, area, area_unit: unit, y: point.top1, top1: point.top1, front: false,
      measured: point.study !== "", memory_bits: pricing.sum(Object.values(design.memory_bits)), ops: pricing.opsOf(space, point.design) };
    row.label = point.label + (state.networks.length > 1 ? `, ${space.network}` : "");
    row.x = AXES[state.x].of(row);
    row.broken = Object.keys(BUDGETS).filter((name) => state.budgets[name] !== null && excess(row, name) > 0);
    return row;
  }

  /** By how much a row breaks a budget: a ratio less one, or points of accuracy; none where it is not positive. */
  function excess(row, name) {
    return name === "top1" ? state.budgets.top1 - row.top1 : AXES[name].of(row) / state.budgets[name] - 1;
  }

  function rowOfPin(id, profile) {
    for (const space of data.spaces) {
      const point = space.points.find((one) => idOf(one) === id);
      if (point && space.on[profile.name]?.priced[point.design]) return rowOf(space, point, profile);
    }
    return null;
  }

  // ---------------------------------------------------------------- building blocks

  function el(tag, attributes = {}, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
      else if (name in node && typeof value !== "string") node[name] = value;
      else node.setAttribute(name, value);
    }
    node.append(...children.flat(3).filter((child) => child !== null && child !== undefined && child !== ""));
    return node;
  }
  const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const check = (title, checked, change) => el("label", { class: "check" }, el("input", { type: "checkbox", checked, onchange: (event) => change(event.target.checked) }), title);
  const choose = (title, options, value, change) => el("label", {}, title,
    el("select", { "aria-label": title, onchange: (event) => change(event.target.value) }, options.map(([name, text]) => el("option", { value: name, selected: name === value }, text))));
  const toggled = (list, item, present) => present ? [...list.filter((one) => one !== item), item] : list.filter((one) => one !== item);

  function symbol(cls, hollow) {
    const shape = { binary: "M6.5 1a5.5 5.5 0 1 0 .01 0Z", "low-bit": "M6.5 .5l6 6-6 6-6-6Z", "full precision": "M1.5 1.5h10v10h-10Z" }[cls];
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg"), path = document.createElementNS(svg.namespaceURI, "path");
    svg.setAttribute("viewBox", "0 0 13 13"); svg.setAttribute("aria-hidden", "true");
    for (const [name, value] of [["d", shape], ["fill", hollow ? "none" : `var(${COLORS[cls]})`], ["stroke", `var(${COLORS[cls]})`], ["stroke-width", "1.5"]]) path.setAttribute(name, value);
    svg.append(path);
    return svg;
  }

  function grid(columns, rows, caption) {
    return el("div", { class: "scroll" }, el("table", {}, el("caption", { class: "hidden" }, caption),
      el("thead", {}, el("tr", {}, columns.map(([title, numeric]) => el("th", { scope: "col", class: numeric ? "number" : "" }, title)))),
      el("tbody", {}, rows.map((cells) => el("tr", {}, cells.map((cell, at) => el("td", { class: columns[at][1] ? "number" : cell?.className === "meter" ? "bar-cell" : "" }, cell)))))));
  }

  /** A bar of parts, each a share of `whole`, in the colours of the causes. */
  function meter(parts, whole, tints = TINTS) {
    return el("div", { class: "meter", "aria-hidden": "true" }, parts.map((part, at) => {
      const piece = el("i");
      piece.style.width = `${Math.max(0, 100 * part / whole)}%`; piece.style.background = tints[at];
      return piece;
    }));
  }

  function save(name, content, type) {
    const link = el("a", { download: name, href: content.startsWith("data:") ? content : URL.createObjectURL(new Blob([content], { type })) });
    link.click();
  }

  function change(update) { state = { ...state, ...update }; draw(); }

  // ---------------------------------------------------------------- choices, filters, budgets, prices

  function drawChoice() {
    const here = data.spaces.filter((space) => space.dataset === state.dataset), profiles = data.profiles.map((profile) => [profile.name, profile.name]);
    $("views").replaceChildren(...[["front", "Accuracy against cost"], ["methods", "Methods"]].map(([name, title]) =>
      el("button", { type: "button", role: "tab", "aria-selected": String(state.view === name), onclick: () => change({ view: name }) }, title)));
    $("choice").replaceChildren(
      choose("Data set", datasets.map((name) => [name, name]), state.dataset, (dataset) => change({ dataset, pins: [], budgets: readBudgets({}), networks: [data.spaces.find((space) => space.dataset === dataset).network] })),
      el("fieldset", { class: "bar" , "aria-label": "Networks", style: "margin:0" }, here.map((space) => check(space.network, state.networks.includes(space.network), (on) => {
        const networks = toggled(state.networks, space.network, on);
        change({ networks: networks.length ? networks : [space.network] });
      }))),
      choose("Profile", profiles, state.profile, (profile) => change({ profile })),
      choose("Beside it", [["", "–"], ...profiles.filter(([name]) => name !== state.profile)], state.other, (other) => change({ other })),
      ...state.view === "methods" ? [] : [
        choose("Across", Object.entries(AXES).map(([name, axis]) => [name, axis.title]), state.x, (x) => change({ x, sort: x })),
        check("logarithmic", state.log, (log) => change({ log })), check("hide dominated", state.hide, (hide) => change({ hide })),
        check("ranges of prices", state.ranges, (ranges) => change({ ranges })), check("does the front survive?", state.robust, (robust) => change({ robust }))]);
  }

  const readBudgets = (given) => Object.fromEntries(Object.keys(BUDGETS).map((name) => [name, given[name] ?? null]));

  function drawSide() {
    const everything = chosenSpaces().flatMap((space) => space.points);
    const methods = [...new Set(everything.flatMap((point) => point.methods))].sort(), evidence = [...new Set(everything.map((point) => point.evidence))];
    const profile = profileOf(state.profile), plainRows = rowsOn(profile);
    const open = (name) => $("side").querySelector(`[data-name=${name}]`)?.open ?? (name !== "with" && innerWidth > 990);
    const box = (name, title, ...inside) => el("details", { "data-name": name, open: open(name) }, el("summary", {}, title), inside);
    const budget = (name) => {
      const values = plainRows.map((row) => name === "top1" ? row.top1 : AXES[name].of(row)), unit = name === "top1" ? "%" : AXES[name].unit(plainRows[0]);
      if (!values.length) return null;
      const [low, high] = name === "top1" ? [Math.min(...values), Math.max(...values)] : [Math.log(Math.min(...values)), Math.log(Math.max(...values) * 1.001)];
      const none = name === "top1" ? 0 : 1000, value = state.budgets[name], at = value === null ? none : 1000 * ((name === "top1" ? value : Math.log(value)) - low) / (high - low || 1);
      const said = (amount) => amount === null ? "none" : `${BUDGETS[name]} ${readable(amount, unit)}`, out = el("output", { class: value === null ? "" : "moved" }, said(value));
      const input = el("input", { type: "range", min: 0, max: 1000, value: Math.round(Math.min(1000, Math.max(0, at))), id: `budget-${name}`, "aria-valuetext": said(value),
        oninput: (event) => { const step = Number(event.target.value), amount = low + (high - low) * step / 1000; const chosen = step === none ? null : name === "top1" ? amount : Math.exp(amount);
          out.textContent = said(chosen); event.target.setAttribute("aria-valuetext", said(chosen)); state.budgets = { ...state.budgets, [name]: chosen }; redraw(); } });
      return el("div", { class: "row" }, el("label", { for: input.id }, name === "top1" ? "accuracy" : AXES[name].title), out, input);
    };
    const price = (name) => {
      const said = (factor) => `×${significant(factor)}`, out = el("output", { class: state.scale[name] === 1 ? "" : "moved" }, said(state.scale[name])), ends = rangeOf(profile, name);
      const input = el("input", { type: "range", min: -4, max: 4, step: 0.05, value: Math.log2(state.scale[name]), id: `price-${name}`, "aria-valuetext": said(state.scale[name]),
        oninput: (event) => { const factor = Math.abs(event.target.value) < 0.03 ? 1 : 2 ** Number(event.target.value); out.textContent = said(factor); out.className = factor === 1 ? "" : "moved";
          event.target.setAttribute("aria-valuetext", said(factor)); state.scale = { ...state.scale, [name]: factor }; redraw(); } });
      const range = ends[0] === ends[1] ? "" : `its sources allow ×${significant(ends[0])} to ×${significant(ends[1])}`;
      return el("div", { class: "row", title: range }, el("label", { for: input.id }, data.groups[name] ?? name), out, input, range ? el("span", { class: "soft", style: "grid-column:1/-1;font-size:.72rem;margin-top:-.2rem" }, range) : null);
    };
    $("side").replaceChildren(
      box("budgets", "Budgets", Object.keys(BUDGETS).map(budget), el("button", { type: "button", onclick: () => change({ budgets: readBudgets({}) }) }, "No budgets")),
      box("prices", "Prices", el("p", { class: "soft", style: "margin:.2rem 0" }, "Times what the profile says; everything follows."), [...CAUSES, "clock"].map(price),
        el("button", { type: "button", onclick: () => change({ scale: { ...unmoved } }) }, "Prices of the profile")),
      box("seen", "Accuracy from", el("div", { class: "list" }, evidence.map((name) => check(name, !state.unseen.includes(name), (on) => change({ unseen: toggled(state.unseen, name, !on) }))))),
      box("with", `With the method${state.methods.length ? ` (${state.methods.length})` : "…"}`, el("div", { class: "list" }, methods.map((name) => check(name, state.methods.includes(name), (on) => change({ methods: toggled(state.methods, name, on) }))))),
      modelBox(box, profile));
  }

  /** How far the sources of a profile allow a group's price to lie from its value. */
  function rangeOf(profile, name) {
    const ratios = Object.values(profile.operations).filter((one) => one.group === name && one.price_j[0] > 0).map((one) => [one.price_j[1] / one.price_j[0], one.price_j[2] / one.price_j[0]]);
    ratios.push(...profile.levels.filter((level) => level.group === name).map((level) => level.ends));
    if (name === "control" && profile.control_j[0]) ratios.push([profile.control_j[1] / profile.control_j[0], profile.control_j[2] / profile.control_j[0]]);
    if (name === "leakage") ratios.push(profile.leakage_ends);
    if (name === "clock") ratios.push([profile.clock_hz[1] / profile.clock_hz[0], profile.clock_hz[2] / profile.clock_hz[0]]);
    return ratios.length ? [Math.min(...ratios.map(([low]) => low)), Math.max(...ratios.map(([, high]) => high))] : [1, 1];
  }

  let drafted = null;
  function modelBox(box, profile) {
    const text = el("textarea", { "aria-label": "Profile as YAML", spellcheck: false, oninput: (event) => { drafted = event.target.value; } }), said = el("p", { class: "soft", role: "status" });
    text.value = drafted ?? profile.draft;
    const run = async () => {
      said.textContent = "The model runs …";
      const answer = await fetch("price", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ yaml: text.value, dataset: state.dataset }) })
        .then((response) => response.json()).catch(() => ({ error: "The server does not answer; is bnncost explore --serve still running?" }));
      if (answer.error) { said.textContent = answer.error; return; }
      data.profiles = [...data.profiles.filter((one) => one.name !== answer.profile.name), answer.profile];
      for (const space of data.spaces) if (answer.on[space.name]) space.on[answer.profile.name] = answer.on[space.name];
      change({ other: state.profile === answer.profile.name ? state.other : state.profile, profile: answer.profile.name });
    };
    return box("model", "Sizes, arrays, own profiles",
      el("p", { class: "soft", style: "margin:.2rem 0" }, served ? "What changes a mapping is found by the model itself: edit this profile, or drop a .yaml file on the page."
        : "Mapping held: moved prices keep each design's mapping. To move memory sizes or the array, or to try a profile of your own, run bnncost explore --serve."),
      text, el("div", { class: "bar", style: "margin:.4rem 0 0" }, el("button", { type: "button", disabled: !served, onclick: run }, "Run the model"),
        el("button", { type: "button", onclick: () => save("profile.yaml", text.value, "text/yaml") }, "YAML")), said);
  }

  // ---------------------------------------------------------------- the verdict in words

  /** The designs that words speak of: the published ones, else those of one study, since accuracies of two do not compare. */
  function oneStudy(rows) {
    const study = rows.some((row) => row.point.study === "") ? "" : rows[0]?.point.study;
    return rows.filter((row) => row.point.study === study);
  }

  function verdict(rows) {
    const front = rows.filter((row) => row.front && !row.broken.length), set = Object.values(state.budgets).some((value) => value !== null), said = [];
    if (!rows.length) return ["No design is left: allow more classes, sources or methods."];
    if (set) {
      const fits = rows.filter((row) => !row.broken.length), best = fits.toSorted((a, b) => b.top1 - a.top1 || a.x - b.x)[0];
      if (best) said.push(el("b", {}, `${fits.length} of ${rows.length} designs fit`), `; the best is ${best.label}, ${best.point.class}, ${readable(best.top1, "%")} for ${readable(best.energy_j, "J")} in ${readable(best.latency_s, "s")}. `);
      else {
        const lack = (row) => Math.max(...row.broken.map((name) => name === "top1" ? excess(row, name) / 10 : excess(row, name))), near = rows.toSorted((a, b) => lack(a) - lack(b))[0];
        said.push(el("span", { class: "warn" }, "No design fits"), `; ${near.label} is nearest and misses ${near.broken.map((name) => name === "top1" ? `accuracy by ${significant(excess(near, name))} points` : `${name} by ${significant(100 * excess(near, name))} %`).join(", ")}. `);
      }
    }
    if (!front.length) return said;
    const last = front.at(-1), binary = front.filter((row) => row.point.class === "binary").at(-1), rival = front.find((row) => row.point.class !== "binary");
    said.push(`${front.length} designs are on the front${set ? " within the budgets" : ""}, from ${front[0].label} (${readable(front[0].top1, "%")}) to ${last.label} (${readable(last.top1, "%")}). `);
    const dearer = binary && rows.filter((row) => row.point.class !== "binary" && row.top1 > binary.top1 && !row.broken.length).sort((a, b) => a.x - b.x)[0];
    if (dearer && dearer.x > binary.x) said.push(`Above ${readable(binary.top1, "%")} no binary design is shown: ${dearer.label} brings ${significant(dearer.top1 - binary.top1)} points more than ${binary.label} for ${significant(dearer.x / binary.x)} times its ${AXES[state.x].title.split(" (")[0]}. `);
    else if (rival && binary && rival.x <= binary.x) said.push(`${rival.label}, ${rival.point.class}, beats every binary design that costs more than ${readable(rival.x, AXES[state.x].unit(rival))}. `);
    if (moved().length) said.push(el("span", { class: "warn" }, "Mapping held: "), `prices are moved (${moved().map((name) => `${data.groups[name] ?? name} ×${significant(state.scale[name])}`).join(", ")}), mappings are those of ${state.profile}.`);
    return said;
  }

  // ---------------------------------------------------------------- charts

  const axis = (title, unit, extra) => ({ name: title, nameLocation: "middle", nameTextStyle: { color: color("--soft") }, axisLabel: { color: color("--soft"), hideOverlap: true, showMinLabel: false, showMaxLabel: false, formatter: (value) => unit === "%" || unit === "points" ? String(Number(value.toFixed(2))) : readable(value, unit) },
    axisLine: { show: true, lineStyle: { color: color("--line") } }, splitLine: { lineStyle: { color: color("--line"), opacity: 0.6 } }, minorSplitLine: { show: false }, ...extra });
  const base = (title) => ({ animation: false, backgroundColor: color("--card"), textStyle: { fontFamily: "system-ui, 'Liberation Sans', 'DejaVu Sans', sans-serif" }, aria: { enabled: true },
    title: { text: title, left: 14, top: 10, textStyle: { fontSize: 13, fontWeight: 600, color: color("--ink") } }, grid: { left: 62, right: 26, top: 48, bottom: 56 } });

  function frontOption(rows, profile, extent) {
    const seen = rows.filter((row) => !state.hide || row.front || state.pins.includes(row.id)), unit = AXES[state.x].unit(rows[0]);
    const item = (row) => ({ value: [row.x, row.y], id: row.id, symbol: SYMBOLS[row.point.class], symbolSize: state.pins.includes(row.id) ? 17 : state.robust ? 5 + 12 * Math.sqrt(row.survives) : row.front ? 12 : 9,
      itemStyle: { color: row.measured ? color("--card") : color(COLORS[row.point.class]), borderColor: state.pins.includes(row.id) ? color("--pin") : color(COLORS[row.point.class]), borderWidth: state.pins.includes(row.id) ? 4 : 1.8, opacity: row.broken.length ? 0.22 : row.front ? 1 : 0.65 },
      label: { show: row.front || row.survives >= 0.2 || state.pins.includes(row.id), formatter: () => (state.pins.includes(row.id) ? `${"AB"[state.pins.indexOf(row.id)]}  ` : "") + row.label, color: color("--ink"), opacity: row.broken.length ? 0.4 : 1 } });
    const line = (study) => ({ type: "line", name: `front${study}`, silent: true, step: "end", symbol: "none", z: 1, data: rows.filter((row) => row.front && row.point.study === study).map((row) => [row.x, row.y]), lineStyle: { color: color("--ink"), width: 1.3, opacity: 0.55, type: study ? [5, 4] : "solid" } });
    const bars = !state.ranges || state.x !== "energy" ? [] : [{ type: "custom", name: "ranges", silent: true, z: 1, data: seen.map((row) => [...[1, 2].map((end) => pricing.costOf(row.space, profile, row.point.design, state.scale, end).energy_j), row.y]),
      renderItem: (_, api) => { const [left, right] = [0, 1].map((at) => api.coord([api.value(at), api.value(2)])); return { type: "line", shape: { x1: left[0], y1: left[1], x2: right[0], y2: right[1] }, style: { stroke: color("--soft"), lineWidth: 1, opacity: 0.55 } }; }, encode: { x: [0, 1], y: 2 }, clip: true }];
    return { ...base(`${profile.name}: top-1 against ${AXES[state.x].title}`),
      xAxis: axis(AXES[state.x].title, unit, { type: state.log ? "log" : "value", nameGap: 30, ...ends(rows, bars) }), yAxis: axis("top-1 [%]", "%", { type: "value", nameGap: 40, ...extent }),
      tooltip: { trigger: "item", confine: true, backgroundColor: color("--card"), borderColor: color("--line"), textStyle: { color: color("--ink") }, formatter: (event) => tip(seen[event.dataIndex]) },
      series: [...studiesOf(rows).map(line), ...bars, { type: "scatter", name: "designs", z: 3, data: seen.map(item), labelLayout: { hideOverlap: true }, label: { position: "left", offset: [2, -9], distance: 4, fontSize: 11.5, textBorderColor: color("--card"), textBorderWidth: 3 }, emphasis: { scale: 1.35, label: { show: true } } }] };
  }

  function ends(rows, bars) {
    const values = [...rows.map((row) => row.x), ...bars.flatMap((one) => one.data.flatMap(([low, high]) => [low, high]))].filter((value) => value > 0);
    if (!values.length) return {};
    const [low, high] = [Math.min(...values), Math.max(...values)], room = Math.max(high / low, 3); // names stand left of the front
    return state.log ? { min: low / room ** (state.other ? 0.35 : 0.2), max: high * room ** 0.04 } : { min: Math.max(0, low - 0.2 * (high - low)), max: high + 0.03 * (high - low) };
  }

  function tip(row) {
    if (!row) return "";
    return el("div", { class: "tip" }, el("b", {}, row.label), el("div", {}, `${readable(row.top1, "%")} top-1 · ${readable(row.energy_j, "J")} · ${readable(row.latency_s, "s")}`),
      el("div", {}, `${readable(row.area, row.area_unit)} · ${readable(row.memory_bits, "bit")} kept · ${readable(row.ops, "count")} OPs`),
      meter(CAUSES.map((name) => row.groups[name]), row.energy_j), el("div", { class: "soft" }, `${row.point.evidence}: ${row.point.source}`.slice(0, 180)),
      row.broken.length ? el("div", { class: "warn" }, `breaks the budget of ${row.broken.join(", ")}`) : null);
  }

  /** Draw options into charts, each in a place of its own; those of the same view are drawn over. */
  function drawCharts(view, options) {
    const place = $("chart"), same = place.dataset.view === view && charts.length === options.length;
    if (!same) {
      charts.forEach((chart) => chart.dispose());
      focus = -1;
      place.dataset.view = view;
      place.replaceChildren(...options.map(() => el("div", { class: "chart", tabindex: "0", role: "img" })));
      charts = [...place.children].map((node) => echarts.init(node, null, { renderer: "canvas" }));
      for (const chart of charts) {
        chart.on("click", (event) => event.data?.id && pin(event.data.id));
        chart.getDom().addEventListener("keydown", (event) => onKey(event, chart));
      }
    }
    charts.forEach((chart, at) => {
      chart.setOption(options[at].option, { replaceMerge: ["series", "xAxis", "yAxis"] });
      chart.getDom().setAttribute("aria-label", options[at].label);
    });
  }

  /** Arrows go along the designs of a chart, Enter pins; what is reached is said aloud. */
  function onKey(event, chart) {
    const series = chart.getOption().series, at = series.findIndex((one) => one.name === "designs"), step = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
    if (at < 0 || (!step && event.key !== "Enter")) return;
    event.preventDefault();
    if (event.key === "Enter") { const id = series[at].data[focus]?.id; if (id) pin(id); return; }
    chart.dispatchAction({ type: "downplay", seriesIndex: at });
    focus = (Math.max(focus, step > 0 ? -1 : 0) + step + series[at].data.length) % series[at].data.length;
    for (const type of ["highlight", "showTip"]) chart.dispatchAction({ type, seriesIndex: at, dataIndex: focus });
    const row = shown.find((one) => one.id === series[at].data[focus].id);
    if (row) $("said").textContent = `${row.label}, ${readable(row.top1, "%")}, ${readable(row.energy_j, "J")}${row.front ? ", on the front" : ""}. Enter pins it.`;
  }

  function drawFront() {
    const profiles = [state.profile, state.other].filter(Boolean).map(profileOf), all = profiles.map((profile) => rowsOn(profile)), ys = all.flat().map((row) => row.y);
    shown = all[0];
    const extent = ys.length ? { min: Math.floor(Math.min(...ys) - 0.5), max: Math.ceil(Math.max(...ys) + 0.5) } : {};
    const told = oneStudy(shown);
    $("verdict").replaceChildren(...verdict(told), ...survivors(told));
    drawCharts("front", profiles.map((profile, at) => ({
      option: frontOption(all[at], profile, extent),
      label: `${all[at].length} designs on ${profile.name}: top-1 accuracy against ${AXES[state.x].title}. `
        + "Arrow keys go along them; the table below says the same.",
    })));
    drawTable(all);
  }

  /** A share in percent, which is 0 or 100 only where there was no exception. */
  function percent(share) {
    const rounded = Math.round(100 * share);
    return rounded === 0 && share > 0 ? "< 1 %" : rounded === 100 && share < 1 - 1e-9 ? "> 99 %" : `${rounded} %`;
  }

  /** Which designs stay on the front whatever the figures, and which may. */
  function survivors(rows) {
    if (!state.robust) return [];
    const named = (some) => some.map((row) => `${row.label} (${percent(row.survives)})`).join(", ") || "none";
    const sure = rows.filter((row) => row.survives >= 0.95), may = rows.filter((row) => row.survives < 0.95 && row.survives > 0.05);
    return [el("p", {}, el("b", {}, "Does it survive? "), `In ${DRAWS} draws of all figures within their ranges, the same for every design, on the front by energy in 95 % of them or more: ${named(sure)}. Maybe: ${named(may)}. bnncost robust says which figure would turn what.`)];
  }

  function drawTable(all) {
    const rows = all[0], nominal = moved().length ? new Map(rowsOn(profileOf(state.profile), unmoved).map((row) => [row.id, row.rank])) : null;
    const value = (row) => state.sort === "label" ? row.label.toLowerCase() : state.sort === "top1" ? row.top1 : AXES[state.sort].of(row);
    const sorted = rows.toSorted((a, b) => (value(a) < value(b) ? -1 : value(a) > value(b) ? 1 : 0) * (state.down ? -1 : 1));
    const columns = [["label", "design"], ["top1", "top-1"], ...Object.entries(AXES).map(([name, one]) => [name, name === "ops" ? "OPs" : one.title])];
    const head = columns.map(([name, title]) => el("th", { scope: "col", class: name === "label" ? "" : "number", "aria-sort": state.sort === name ? (state.down ? "descending" : "ascending") : "none" },
      el("button", { type: "button", onclick: () => change({ sort: name, down: state.sort === name && !state.down }) }, title + (state.sort === name ? (state.down ? " ↓" : " ↑") : ""))));
    const other = all[1] && new Map(all[1].map((row) => [row.id, row]));
    const body = sorted.map((row) => el("tr", { class: [row.broken.length ? "out" : "", row.front ? "front" : ""].join(" "), "aria-selected": String(state.pins.includes(row.id)) },
      el("td", { class: "number" }, `${row.rank}${nominal && nominal.get(row.id) !== row.rank ? ` (${nominal.get(row.id) > row.rank ? "▲" : "▼"}${Math.abs(nominal.get(row.id) - row.rank)})` : ""}`),
      el("th", { scope: "row" }, el("button", { type: "button", onclick: () => pin(row.id), onfocus: () => lift(row.id), onmouseenter: () => lift(row.id) }, symbol(row.point.class, row.measured), ` ${row.label}`)),
      el("td", { class: "number" }, readable(row.top1, "%")), Object.values(AXES).map((one) => el("td", { class: "number" }, readable(one.of(row), one.unit(row)))),
      other ? el("td", { class: "number" }, readable(other.get(row.id)?.energy_j, "J")) : null, el("td", {}, row.broken.length ? `breaks ${row.broken.join(", ")}` : row.front ? "front" : ""), state.robust ? el("td", { class: "number" }, percent(row.survives)) : null, el("td", {}, row.point.evidence)));
    const without = chosenSpaces().flatMap((space) => Object.values(space.on[state.profile]?.left_out ?? {}));
    $("table").replaceChildren(el("h2", {}, "The designs"), el("div", { class: "scroll" }, el("table", {}, el("caption", { class: "hidden" }, `Designs on ${state.profile}; a design's name pins it.`),
      el("thead", {}, el("tr", {}, el("th", { scope: "col", class: "number" }, "rank"), head, other ? el("th", { scope: "col", class: "number" }, `energy on ${state.other}`) : null, el("th", { scope: "col" }, "front"), state.robust ? el("th", { scope: "col", class: "number" }, "on it in draws") : null, el("th", { scope: "col" }, "accuracy by"))), el("tbody", {}, body))),
      ...without.map((why) => el("p", { class: "soft" }, `Not here: ${why}`)));
  }

  function lift(id) {
    for (const chart of charts) {
      const series = chart.getOption().series, at = series.findIndex((one) => one.name === "designs");
      chart.dispatchAction({ type: "downplay", seriesIndex: at });
      chart.dispatchAction({ type: "highlight", seriesIndex: at, dataIndex: series[at]?.data.findIndex((item) => item.id === id) });
    }
  }

  function pin(id) { change({ pins: state.pins.includes(id) ? state.pins.filter((one) => one !== id) : [...state.pins, id].slice(-2) }); }

  // ---------------------------------------------------------------- pinned designs

  const section = (title, open, ...inside) => el("details", { open }, el("summary", {}, title), inside);
  const command = (text) => el("div", { class: "command" }, el("code", {}, text), el("button", { type: "button", onclick: (event) => { navigator.clipboard?.writeText(text).then(() => { event.target.textContent = "copied"; }); } }, "copy"));
  const quoted = (text) => /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;

  function pinCard(row, letter) {
    const { space, profile, point, design, priced } = row, used = CAUSES.filter((name) => row.groups[name] > 0), layers = pricing.layersOf(space, profile, point.design, state.scale);
    const most = Math.max(...layers.map((layer) => layer.operations + layer.memory + layer.rest)), byOrigin = new Map();
    for (const [, origin, operation, count] of design.counts) { const key = `${origin} ${operation}`; byOrigin.set(key, [design.origins[origin], space.operations[operation], (byOrigin.get(key)?.[2] ?? 0) + count]); }
    return el("article", { class: "card", "aria-label": `Pinned: ${row.label}` },
      el("h2", {}, el("span", { class: "letter" }, letter), symbol(point.class, row.measured), row.label, el("button", { type: "button", "aria-label": `Unpin ${row.label}`, onclick: () => pin(row.id) }, "unpin")),
      el("p", { style: "margin:.1rem 0 .5rem" }, el("code", {}, design.design), el("br"), `${readable(row.top1, "%")} top-1 · ${readable(row.energy_j, "J")} · ${readable(row.latency_s, "s")} · ${readable(row.area, row.area_unit)} · ${profile.name}`),
      el("p", { class: "soft" }, `Accuracy: ${point.evidence}${point.top1_low < point.top1_high ? `, ${readable(point.top1_low, "%")} to ${readable(point.top1_high, "%")}` : ""}. ${point.source}`),
      meter(CAUSES.map((name) => row.groups[name]), row.energy_j),
      section("Energy by cause", true, grid([["spent on"], ["energy", true], ["share", true], [""]], used.map((name) => [data.groups[name], readable(row.groups[name], "J"), `${significant(100 * row.groups[name] / row.energy_j)} %`, meter([row.groups[name]], row.energy_j, [TINTS[CAUSES.indexOf(name)]])]), "Energy by cause")),
      section("Energy by layer", false, el("p", { class: "soft" }, "Operations, memory, and by its cycles each layer's share of control and leakage."), grid([["layer"], ["energy", true], ["cycles", true], [""]],
        layers.map((layer) => [layer.name, readable(layer.operations + layer.memory + layer.rest, "J"), readable(layer.cycles, "count"), meter([layer.operations, layer.memory, layer.rest], most, [TINTS[0], TINTS[2], TINTS[7]])]), "Energy by layer")),
      section("Area and memory", false, grid([["part"], ["amount", true]], [...priced.area_split.map(([part, resource, amount]) => [part, readable(amount, resource.endsWith("_bits") ? "bit" : resource)]),
        ...Object.entries(priced.area).map(([name, amount]) => [name.endsWith("_bits") ? `used of ${name.slice(0, -5)}` : `in all: ${name}`, readable(amount, name.endsWith("_bits") ? "bit" : name)]),
        ...Object.entries(design.memory_bits).map(([name, amount]) => [`kept: ${name.replaceAll("_", " ")}`, readable(amount, "bit")])], "Area and memory")),
      section("Operations by origin", false, grid([["asked for by"], ["operation"], ["count", true]], [...byOrigin.values()].sort((a, b) => a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : b[2] - a[2]).map(([origin, name, count]) => [origin, name, count.toLocaleString("en")]), "Operations by origin")),
      section(`What folded, and why (${design.notes.length})`, false, el("ul", {}, design.notes.map((note) => el("li", { class: "soft" }, note)))),
      section(`Assumed figures in use (${priced.figures.length})`, false, grid([["figure"], ["value"], ["status"], ["source"]], priced.figures.map((at) => space.on[profile.name].figures[at]), "Assumed figures")),
      el("h3", {}, "The commands that make this point"), command(`bnncost cost ${quoted(point.name)} --profile ${quoted(profile.name)} --per-layer`), point.train ? command(point.train) : null);
  }

  function pairCard(one, other) {
    const plain = (title, a, b, unit) => [title, readable(a, unit), readable(b, unit), `${b < a ? "−" : "+"}${readable(Math.abs(b - a), unit).replace(/^0 .*/, "0")}`, a ? `×${significant(b / a)}` : "–"];
    const turns = CAUSES.map((name) => [name, pricing.breakEven(one, other, name)]).filter(([, factor]) => factor !== null);
    const price = (name, factor) => { const known = Object.values(one.profile.operations).filter((item) => item.group === name); return name === "binary" || name === "mul16" ? ` (${readable(known[0].price_j[0] * state.scale[name] * factor, "J")} each)` : ""; };
    return el("article", { class: "card wide", "aria-label": "The two pinned designs compared" }, el("h2", {}, `A ${one.label} and B ${other.label}`),
      grid([[""], ["A", true], ["B", true], ["B less A", true], ["ratio", true]], [["top-1", readable(one.top1, "%"), readable(other.top1, "%"), `${significant(other.top1 - one.top1)} points`, ""], plain("energy", one.energy_j, other.energy_j, "J"),
        ...CAUSES.filter((name) => one.groups[name] || other.groups[name]).map((name) => plain(`  ${data.groups[name]}`, one.groups[name], other.groups[name], "J")), plain("latency", one.latency_s, other.latency_s, "s"),
        plain("area", one.area, other.area, one.area_unit), plain("memory", one.memory_bits, other.memory_bits, "bit"), plain("OPs", one.ops, other.ops, "count")], "A and B"),
      command(`bnncost sensitivity ${quoted(one.point.name)} --than ${quoted(other.point.name)} --profile ${quoted(one.profile.name)}`),
      el("p", {}, el("b", {}, "Break-even: "), turns.length ? `both use as much energy where ${turns.map(([name, factor]) => `${data.groups[name]} costs ×${significant(factor)}${price(name, factor)}`).join(", or where ")}, all else as it is.` : "no single price makes their energies equal."));
  }

  function drawPins() {
    const rows = state.pins.map((id) => rowOfPin(id, profileOf(state.profile))), two = rows.filter(Boolean).length === 2;
    const open = [...$("pins").querySelectorAll("details")].filter((item) => item.open).map((item) => item.textContent.slice(0, 12)), known = $("pins").childElementCount;
    $("pins").replaceChildren(...two ? [pairCard(...rows)] : [], ...rows.map((row, at) => row && pinCard(row, "AB"[at])).filter(Boolean));
    if (known) for (const item of $("pins").querySelectorAll("details")) item.open = open.includes(item.textContent.slice(0, 12));
  }

  // ---------------------------------------------------------------- methods

  const chosenSpaces = () => data.spaces.filter((space) => space.dataset === state.dataset && state.networks.includes(space.network));

  function methodRows() {
    return chosenSpaces().filter((space) => space.on[state.profile]?.methods).flatMap((space) => {
      const found = space.on[state.profile].methods, total = (energies) => pricing.scaled(energies ?? null, CAUSES, state.scale), plain = total(found.plain);
      const widths = found.widths.map(([width, energies]) => [width, total(energies)]).sort((a, b) => a[0] - b[0]);
      const wide = found.measured.filter((one) => one.role === "width").map((one) => [total(one.added), one.gain]).sort((a, b) => a[0] - b[0]);
      const gained = new Map(found.measured.map((one) => [one.label, one])), named = new Set(found.methods.map((one) => one.method));
      const rows = [...found.methods, ...found.measured.filter((one) => !named.has(one.label)).map((one) => ({ method: one.label, category: one.role, summary: "", alone: one.added }))];
      return rows.map((one) => {
        const [asked, alone, left_out] = ["asked", "alone", "left_out"].map((name) => total(one[name])), of = gained.get(one.method), gain = of?.gain ?? null;
        return { ...one, space, asked, alone, left_out, gain, wide, role: of?.role, protocols: found.protocols, sure: found.sure, width: alone === null || plain === null ? null : pricing.widthAt(plain + alone, widths),
          line: gain === null || alone === null ? null : pricing.widened(alone, wide), label: one.method + (state.networks.length > 1 ? `, ${space.network}` : ""), rate: gain !== null && alone > 0 ? gain / (alone * 1e6) : null };
      });
    });
  }

  function drawMethods() {
    const rows = methodRows();
    if (!rows.length) {
      $("verdict").textContent = "The methods of this network are not priced one by one here, since few binary designs of it are published; bnncost table does that.";
      $("table").replaceChildren(); drawCharts("none", []);
      return;
    }
    const gained = rows.filter((row) => row.gain !== null && row.alone !== null), profile = profileOf(state.profile), view = `methods ${gained.length > 0}`;
    const repairs = gained.filter((row) => row.role !== "width"), pays = repairs.filter((row) => row.line !== null && row.gain > row.line).sort((a, b) => b.gain - a.gain);
    $("verdict").replaceChildren(...gained.length ? [el("b", {}, `${pays.length} of ${repairs.length} measured repairs bring more than widening for their energy`), pays.length ? `: ${pays.map((row) => `${row.label} (${significant(row.gain)} points${row.alone > 0 ? ` for ${readable(row.alone, "J")}` : ", free"})`).join(", ")}.` : ".", ` ${gained[0].sure}`]
      : ["No study of this network ships, so there are no gains here: what each repair asks for, what is left of it alone, and what leaving it out of a full design saves. Ensembles and width, which multiply the network, are in the table alone."], ...moved().length ? [el("span", { class: "warn" }, " Mapping held.")] : []);
    const shownRows = gained.length ? gained : rows.filter((row) => !["ensemble", "width"].includes(row.category) && Math.max(...[row.asked, row.alone, row.left_out].map((value) => Math.abs(value ?? 0))) > 0).sort((a, b) => (a.alone ?? 0) - (b.alone ?? 0));
    const ink = color("--ink"), scatter = () => { const far = Math.max(...gained.map((row) => row.alone), 0), wide = gained[0].wide, line = wide.length ? [0, ...wide.map(([energy]) => energy), Math.max(far, wide.at(-1)[0])].map((energy) => [energy, pricing.widened(energy, wide)]) : [];
      return { ...base(`${profile.name}: measured gain against added energy`), xAxis: axis("energy added alone, over the plain network", "J", { type: "value", nameGap: 30 }), yAxis: axis("gain [points]", "points", { type: "value", nameGap: 40 }), tooltip: { formatter: (event) => event.data?.row ? methodTip(event.data.row) : "", confine: true, backgroundColor: color("--card"), textStyle: { color: ink } },
        series: [{ type: "line", name: "widen", silent: true, symbol: "none", data: line, lineStyle: { color: color("--low"), width: 2 } },
          { type: "scatter", name: "designs", symbolSize: 11, labelLayout: { hideOverlap: true }, data: gained.map((row) => ({ value: [row.alone, row.gain], row, symbol: row.role === "width" ? "diamond" : "circle", itemStyle: { color: color(row.role === "width" ? "--low" : "--binary") } })), label: { show: true, position: "right", formatter: (event) => (event.data.row.role === "width" ? "widen: " : "") + event.data.row.label, color: ink, fontSize: 11 } }] }; };
    const bars = () => ({ ...base(`${profile.name}: energy of each method`), grid: { left: 8, right: 20, top: 64, bottom: 44, containLabel: true }, legend: { top: 34, left: 14, textStyle: { color: color("--soft") } }, tooltip: { trigger: "axis", confine: true, valueFormatter: (value) => readable(value, "J"), backgroundColor: color("--card"), textStyle: { color: ink } }, xAxis: axis("energy", "J", { type: "value", nameGap: 28 }), yAxis: { type: "category", data: shownRows.map((row) => row.label), axisLabel: { color: color("--soft"), fontSize: 11 } },
      series: [["asked", "asks for", "#8a8a8a"], ["alone", "costs alone", color("--binary")], ["left_out", "costs left out", color("--low")]].map(([name, title, tint]) => ({ type: "bar", name: title, itemStyle: { color: tint }, data: shownRows.map((row) => row[name]) })) });
    const option = gained.length ? scatter() : bars();
    drawCharts(view, [{ option, label: "Methods; the table below says the same." }]);
    const sorted = rows.toSorted((a, b) => (b.gain ?? -99) - (a.gain ?? -99) || (a.alone ?? 0) - (b.alone ?? 0));
    $("table").replaceChildren(el("h2", {}, "The methods"), grid([["method"], ["category"], ["asks for", true], ["costs alone", true], ["costs left out", true], ["as wide as", true], ["gain", true], ["per µJ", true], ["against widening"]], sorted.map((row) => [el("span", { title: row.summary }, row.label), row.category, ...[row.asked, row.alone, row.left_out].map((value) => readable(value, "J")), row.width === null ? "–" : `×${significant(row.width)}`,
      row.gain === null ? "–" : signed(row.gain), row.rate === null ? (row.gain > 0 && row.alone === 0 ? "free" : "–") : significant(row.rate), row.role === "width" || row.line === null ? "" : row.gain > row.line ? "brings more" : "brings less"]), "Methods"), el("p", { class: "soft" }, sorted[0]?.protocols.length ? `Gains in points of top-1 over the fair pair of each: ${sorted[0].protocols.join("; ")}.` : ""));
    shown = [];
  }

  const signed = (points) => `${points < 0 ? "−" : "+"}${significant(Math.abs(points))}`;
  const methodTip = (row) => el("div", { class: "tip" }, el("b", {}, row.label), el("div", {}, row.summary), el("div", { class: "soft" }, `asks for ${readable(row.asked, "J")}, alone ${readable(row.alone, "J")}, left out ${readable(row.left_out, "J")}; gain ${significant(row.gain)} points`));

  // ---------------------------------------------------------------- saving, drawing

  function drawSave() {
    const name = `bnncost-${state.view}-${state.dataset}-${state.profile}`.replace(/[^\w.-]+/g, "-");
    const svg = () => { const at = charts[0], plain = echarts.init(null, null, { renderer: "svg", ssr: true, width: at.getWidth(), height: at.getHeight() }); plain.setOption(at.getOption()); const text = plain.renderToSVGString(); plain.dispose(); return text; };
    const csv = () => [...$("table").querySelectorAll("tr")].length && (state.view === "methods" ? [["network", "method", "category", "asked_j", "alone_j", "left_out_j", "equivalent_width", "gain"], ...methodRows().map((row) => [row.space.name, row.method, row.category, row.asked, row.alone, row.left_out, row.width, row.gain])]
      : [["design", "name", "class", "profile", "top1", "energy_j", "latency_s", "area", "area_unit", "memory_bits", "ops", "on_front", "evidence", "source", ...CAUSES.map((cause) => `${cause}_j`)], ...[state.profile, state.other].filter(Boolean).flatMap((one) => rowsOn(profileOf(one))).map((row) => [row.point.label, row.point.name, row.point.class, row.profile.name, row.top1, row.energy_j, row.latency_s, row.area, row.area_unit, row.memory_bits, row.ops, row.front ? "yes" : "", row.point.evidence, row.point.source, ...CAUSES.map((cause) => row.groups[cause])])]).map((cells) => cells.map(words.csvCell).join(",")).join("\n");
    $("save").replaceChildren(...[["PNG", () => save(`${name}.png`, charts[0].getDataURL({ pixelRatio: 2, backgroundColor: color("--card") }))], ["SVG", () => save(`${name}.svg`, svg(), "image/svg+xml")], ["CSV", () => save(`${name}.csv`, csv(), "text/csv")]].map(([title, act]) => el("button", { type: "button", disabled: !charts.length, onclick: act }, title)),
      el("span", { class: "soft" }, "of what is shown. The address of this page holds the view."));
  }

  function drawLegend() {
    $("legend").replaceChildren(...state.view === "methods" ? [] : [...data.classes.map((name) => el("label", { class: "check" }, el("input", { type: "checkbox", checked: !state.off.includes(name), onchange: (event) => change({ off: toggled(state.off, name, !event.target.checked) }) }), symbol(name, false), name)), el("span", { class: "check soft" }, symbol("binary", true), "measured in a shipped study (dashed front)")]);
    const shownOn = [state.profile, state.other].filter(Boolean).map(profileOf), unlike = new Set(shownOn.map((one) => one.scope)).size > 1;
    $("note").replaceChildren(...shownOn.map((one) => el("span", {}, `${one.name}: ${one.title}. ${one.counted} ${one.traffic === "mapped" ? "Memory traffic is that of the best mapping of every layer." : "Memory traffic is compulsory: every value moves once per layer, the least that must."} `)),
      ...shownOn.flatMap((one) => chosenSpaces().map((space) => space.on[one.name]?.heaviest)).filter(Boolean).map((said) => el("span", {}, `${said} `)),
      unlike ? el("span", { class: "warn" }, "The two profiles differ in what their energies count: compare designs within a profile, not across. ") : "",
      state.view === "methods" ? "" : "Published accuracies have each their own recipe: a point or two between papers is not the effect of one method. A star marks an accuracy reached on a similar backbone.");
  }

  function redraw() { writeState(); if (state.view === "methods") drawMethods(); else drawFront(); drawPins(); drawSave(); }

  function draw() {
    const held = document.activeElement, at = held && held !== document.body ? [...document.querySelectorAll("button, select, input")].indexOf(held) : -1;
    drawChoice(); drawLegend(); redraw(); drawSide();
    if (at >= 0 && !held.isConnected) [...document.querySelectorAll("button, select, input")][at]?.focus({ preventScroll: true });
  }

  $("choice").addEventListener("submit", (event) => event.preventDefault());
  addEventListener("hashchange", () => { state = readState(); draw(); });
  addEventListener("resize", () => charts.forEach((chart) => chart.resize()));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { $("chart").dataset.view = ""; draw(); });
  addEventListener("dragover", (event) => { event.preventDefault(); document.body.classList.add("drop"); });
  addEventListener("dragleave", () => document.body.classList.remove("drop"));
  addEventListener("drop", async (event) => {
    event.preventDefault(); document.body.classList.remove("drop");
    const file = [...event.dataTransfer.files].find((one) => /\.ya?ml$/i.test(one.name) && one.size < 200_000);
    if (file) { drafted = await file.text(); drawSide(); const box = $("side").querySelector("[data-name=model]"); box.open = true; box.querySelector("textarea").focus(); box.querySelector("button:enabled")?.click(); }
  });
  $("foot").textContent = `bnncost ${data.version}. Energy is counts times prices, as the command bnncost cost has it. Drawn with Apache ECharts 6.1.0 (Apache-2.0). Nothing on this page is loaded from elsewhere.`;
  draw();
  document.body.dataset.ready = "";
}
