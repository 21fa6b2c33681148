// Numbers and cells as text. There is no page in here; tests run this file in node.
"use strict";

const words = (() => {
  const metric = [...["a", "f", "p", "n", "µ", "m", "", "k", "M", "G"].entries()]
    .map(([at, prefix]) => [prefix, Number(`1e${3 * at - 18}`)]);
  const bits = [[" bit", 1], [" B", 8], [" kB", 8192], [" MB", 8192 * 1024]];

  function significant(value) {
    if (!Number.isFinite(value)) return "–";
    const rounded = Number(value.toPrecision(3));
    const size = Math.abs(rounded);
    if (size === 0) return "0";
    if (size < 1e-3) return raised(rounded.toExponential());
    if (size >= 1000) return rounded.toLocaleString("en");
    return rounded.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : 2);
  }

  /** A small number with its power of ten: raised("2e-7") is "2·10⁻⁷". */
  function raised(exponential) {
    const small = (digits) => [...digits].map((digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[digit]).join("");
    return exponential.replace("e-", "·10⁻").replace(/[0-9]+$/, small);
  }

  /** A number with three digits and a unit of fitting size: readable(1.46e-6, "J") is "1.46 µJ". */
  function readable(value, unit) {
    if (value === null || value === undefined || !Number.isFinite(value)) return "–";
    if (value === 0) return unit === "count" ? "0" : `0 ${unit}`;
    if (unit === "%") return `${value.toFixed(2).replace(/0$/, "")} %`;
    const size = Math.abs(Number(value.toPrecision(3)));
    if (unit === "bit") {
      const [name, of] = bits.filter(([, least]) => size >= least).pop() || bits[0];
      return significant(value / of) + name;
    }
    if (unit === "mm2") return size < 1e-3 ? `${significant(value * 1e6)} µm²` : `${significant(value)} mm²`;
    if (["lut", "dsp", "bram"].includes(unit)) return `${Math.round(value).toLocaleString("en")} ${unit.toUpperCase()}`;
    const [prefix, of] = metric.filter(([, least]) => size >= least * (1 - 1e-12)).pop() || metric[0];
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

if (typeof document === "undefined") module.exports = { words };
