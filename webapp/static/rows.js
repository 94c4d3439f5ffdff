// The symbols: updated in place, sorted and filtered without losing focus or scroll.
import { direction, heat, one, spark } from "./format.js";
import {
  copyOf, fieldsOf, formatsOf, mark, notConfirmed, put, putAge, putLate, putLink, putNumber, tones,
} from "./fill.js";
import { now } from "./clock.js";

const keyOf = (row) => `${row.exchange}|${row.symbol}`;
const nameOf = (field) => field.replaceAll("_", " ");

export class Rows {
  constructor(list) {
    this.list = list;
    this.formats = formatsOf("row");
    this.cells = new Map([...list.children].map((element) => [element.dataset.key, { element, fields: fieldsOf(element) }]));
    this.rows = [];
    this.sort = null;
    this.words = [];
  }

  // `whole` is the reason of the whole page, which a row need not repeat.
  show(rows, whole) {
    this.rows = rows;
    const moment = now(), gone = new Set(this.cells.keys());
    for (const row of rows) {
      const key = keyOf(row);
      gone.delete(key);
      let cell = this.cells.get(key);
      if (!cell) {
        cell = copyOf("row");
        cell.element.dataset.key = key;
        this.cells.set(key, cell);
      }
      this.fill(cell, row, moment, whole);
    }
    for (const key of gone) { this.cells.get(key).element.remove(); this.cells.delete(key); }
    this.arrange();
  }

  fill({ fields }, row, moment, whole) {
    putLink(fields, row);
    put(fields.exchange, row.exchange);
    for (const [name, format] of Object.entries(this.formats)) {
      const part = row.components && name in row.components;
      const value = part ? row.components[name] : row[name];
      const reason = name === "beta" ? row.beta_reason : row.reason || (part ? `${nameOf(name)} has no value; the symbol's page says why` : "");
      putNumber(fields[name], value, format, reason);
      if ("heat" in fields[name].dataset) mark(fields[name], "heat", heat(value));
    }
    putLate(fields.price, notConfirmed(row));
    const old = fields.price.dataset.value;
    if (old !== undefined && row.price !== null && Number(old) !== row.price) flash(fields.price, row.price > Number(old));
    if (row.price !== null) fields.price.dataset.value = row.price;
    mark(fields.change_24h, "dir", direction(row.change_24h));
    const bar = fields.score_bar;
    mark(bar, "heat", heat(row.score));
    bar.setAttribute("x", row.score === null ? "50" : one(Math.min(row.score, 50)));
    bar.setAttribute("width", row.score === null ? "0" : one(Math.abs(row.score - 50)));
    if (fields.spark) fields.spark.setAttribute("points", spark(row.spark));
    put(fields.signal, row.signal ?? "–", row.signal === null ? row.reason : "");
    mark(fields.signal, "signal", row.signal ?? "");
    putAge(fields.age, row.as_of, moment);
    put(fields.state, row.state, row.reason);
    mark(fields.state, "tone", tones[row.state]);
    if (fields.why) { put(fields.why, row.reason ?? ""); fields.why.hidden = !row.reason || row.reason === whole; }
  }

  // Which rows are shown, in which order; elements that stand right are not touched.
  arrange() {
    const shown = this.rows.filter((row) => this.wanted(row));
    if (this.sort) shown.sort(comparing(this.sort));
    const held = document.activeElement;
    const elements = shown.map((row) => this.cells.get(keyOf(row)).element);
    const stay = new Set(elements);
    for (const child of [...this.list.children]) if (!stay.has(child)) child.remove();
    elements.forEach((element, index) => {
      if (this.list.children[index] !== element) this.list.insertBefore(element, this.list.children[index] ?? null);
    });
    if (held && held !== document.activeElement && held.isConnected) held.focus({ preventScroll: true });
    return shown.length;
  }

  wanted(row) {
    const text = `${row.symbol} ${row.exchange} ${row.signal ?? ""} ${row.state}`.toLowerCase();
    return this.words.every((word) => text.includes(word));
  }
}

function flash(element, up) {
  element.dataset.moved = "";
  void element.offsetWidth; // starts the animation again
  element.dataset.moved = up ? "up" : "down";
}

function valueOf(row, key) {
  if (key === "age") return row.as_of === null ? null : -row.as_of;
  return row.components && key in row.components ? row.components[key] : row[key];
}

// What is missing comes last in either direction.
function comparing({ key, rising }) {
  return (a, b) => {
    const left = valueOf(a, key), right = valueOf(b, key);
    if (left === null || right === null) return (left === null) - (right === null);
    const order = typeof left === "string" ? left.localeCompare(right) : left - right;
    return rising ? order : -order;
  };
}
