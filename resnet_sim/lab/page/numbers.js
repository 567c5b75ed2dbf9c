// Numbers as people read and write them: 4.7k, 2.5 mA.

const PREFIXES = new Map([[-18, "a"], [-15, "f"], [-12, "p"], [-9, "n"], [-6, "µ"], [-3, "m"], [0, ""], [3, "k"], [6, "M"], [9, "G"], [12, "T"]]);
const SUFFIXES = { t: 1e12, g: 1e9, meg: 1e6, k: 1e3, m: 1e-3, u: 1e-6, "µ": 1e-6, n: 1e-9, p: 1e-12, f: 1e-15 };

/** A value with its unit, such as "1.5 mA". */
export function said(value, unit = "", digits = 4) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "undefined";
  if (value === 0) return `0 ${unit}`.trim();
  const exponent = Number(value.toExponential(digits - 1).split("e")[1]);
  const thousands = Math.floor(exponent / 3) * 3;
  if (!PREFIXES.has(thousands) || unit === "°C") return `${Number(value.toPrecision(digits))} ${unit}`.trim();
  return `${Number((value / 10 ** thousands).toPrecision(digits))} ${PREFIXES.get(thousands)}${unit}`.trim();
}

/** What a person typed as a number: "4.7k", "4.7 kΩ", "1meg"; NaN if it is none. */
export function read(text) {
  const match = /^\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)\s*(meg|[a-zµ])?\s*[a-zΩ°]*\s*$/i.exec(text);
  if (!match) return NaN;
  const suffix = match[2] ?? "";
  if (suffix === "M" || suffix.toLowerCase() === "meg") return Number(match[1]) * 1e6; // what is shown
  return Number(match[1]) * (SUFFIXES[suffix.toLowerCase()] ?? 1);
}

/** A value of so many digits. */
export const rounded = (value, digits = 3) => Number(value.toPrecision(digits));
