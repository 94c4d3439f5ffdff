// Numbers as the server writes them (formats.py): a test compares the two.
export const DASH = "–";
const MINUS = "−";
const UNITS = [[1e12, "T"], [1e9, "B"], [1e6, "M"], [1e3, "k"]];

export function fixed(value, decimals) {
  if (Math.abs(value) >= 1e15) return value.toExponential(3).replaceAll("-", MINUS);
  const text = Math.abs(value).toFixed(decimals);
  const [whole, rest] = text.split(".");
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ",") + (rest ? "." + rest : "");
  return (value < 0 && Number(text) !== 0 ? MINUS : "") + grouped;
}

export function price(value) {
  const size = Math.abs(value);
  if (size >= 1000) return fixed(value, 2);
  if (size >= 100) return fixed(value, 3);
  if (size >= 1 || size === 0) return fixed(value, 4);
  return fixed(value, Math.min(12, 3 - Math.floor(Math.log10(size))));
}

export function change(value) {
  const text = fixed(value, 2);
  return (value > 0 && text !== "0.00" ? "+" : "") + text + "%";
}

export function compact(value) {
  for (const [edge, unit] of UNITS) {
    if (Math.abs(value) >= edge) return fixed(value / edge, 2) + unit;
  }
  return fixed(value, 0);
}

export const percent = (value) => fixed(value * 100, 0) + "%";
export const two = (value) => fixed(value, 2);
export const one = (value) => fixed(value, 1);
export const whole = (value) => fixed(value, 0);
export const words = (value) => value.replaceAll("_", " ");
const padded = (number) => String(number).padStart(2, "0");

export function age(seconds) {
  const all = Math.max(0, Math.floor(seconds));
  const minutes = Math.floor(all / 60), hours = Math.floor(minutes / 60), days = Math.floor(hours / 24);
  if (days) return `${days}d ${padded(hours % 24)}h`;
  if (hours) return `${hours}h ${padded(minutes % 60)}m`;
  return minutes ? `${minutes}m ${padded(all % 60)}s` : `${all}s`;
}

export const utc = (at) => new Date(Math.floor(at) * 1000).toISOString().slice(11, 19) + " UTC";

export function heat(value) {
  if (value === null) return "";
  if (value <= 55) return String(1 + (value >= 30) + (value >= 45));
  return value <= 70 ? "4" : "5";
}

export function direction(value) {
  if (value === null) return "";
  return value > 0 ? "up" : value < 0 ? "down" : "flat";
}

export function spark(closes) {
  if (closes.length < 2) return "";
  const lowest = Math.min(...closes), span = Math.max(...closes) - lowest, step = 64 / (closes.length - 1);
  return closes.map((close, index) => {
    const height = span > 0 ? (lowest + span - close) / span : 0.5;
    return `${(index * step).toFixed(1)},${(1 + 16 * height).toFixed(1)}`;
  }).join(" ");
}

export function plus(value) {
  const text = fixed(value, 2);
  return value > 0 && text !== "0.00" ? "+" + text : text;
}

// A z that is worth an alert.
export function far(z) {
  if (z === null || Math.abs(z) < 2.5) return "";
  return z > 0 ? "high" : "low";
}

export const formats = { price, change, compact, percent, two, plus, one, whole, words, utc };
