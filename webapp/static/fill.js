// Writes values into markup that the server made. What is null becomes a dash with its reason as title.
import * as write from "./format.js";

export const root = document.documentElement;
export const tones = JSON.parse(root.dataset.tones);

export function put(element, text, title) {
  if (element.textContent !== text) element.textContent = text;
  if (title) { if (element.title !== title) element.title = title; } else if (element.title) element.removeAttribute("title");
}

export function mark(element, name, value) {
  if (element.dataset[name] !== value) element.dataset[name] = value;
}

export function putNumber(element, value, format, reason) {
  put(element, value === null || value === undefined ? write.DASH : write.formats[format](value), value === null ? reason : "");
}

// Marks a number that is older than it should be; the reason takes the place of its title.
export function putLate(element, reason) {
  if (reason) { mark(element, "late", ""); element.title = reason; } else delete element.dataset.late;
}

// Why a price is marked; empty for one that is not.
export function notConfirmed(row) {
  return row.price_state === root.dataset.stale ? `price not confirmed since ${write.utc(row.price_as_of)}` : "";
}

export function putAge(element, at, now) {
  if (at === null) { delete element.dataset.asOf; put(element, write.DASH); return; }
  mark(element, "asOf", String(at));
  put(element, write.age(now - at));
}

// The fields of a fresh copy of a <template>, by name.
export function copyOf(id) {
  const element = document.getElementById(id).content.firstElementChild.cloneNode(true);
  return { element, fields: fieldsOf(element) };
}

export function fieldsOf(element) {
  const fields = {};
  for (const field of element.querySelectorAll("[data-field]")) fields[field.dataset.field] = field;
  return fields;
}

export function formatsOf(id) {
  const formats = {};
  for (const field of document.getElementById(id).content.querySelectorAll("[data-format]")) {
    formats[field.dataset.field] = field.dataset.format;
  }
  return formats;
}

const address = (part) => encodeURIComponent(part).replaceAll("%2F", "/");

export function putLink(fields, row) {
  const href = `/symbols/${address(row.exchange)}/${address(row.symbol)}`;
  if (fields.link.getAttribute("href") !== href) fields.link.setAttribute("href", href);
  const base = row.symbol.split("/", 1)[0];
  put(fields.base, base);
  put(fields.rest, row.symbol.slice(base.length));
}

// Makes the children of `list` one per row, in order, reusing what is there.
export function keepList(list, template, rows, keyOf, fill) {
  const there = new Map([...list.children].map((child) => [child.dataset.key, child]));
  rows.forEach((row, index) => {
    const key = keyOf(row);
    let element = there.get(key);
    if (!element) { element = copyOf(template).element; element.dataset.key = key; }
    there.delete(key);
    fill(fieldsOf(element), row);
    if (list.children[index] !== element) list.insertBefore(element, list.children[index] ?? null);
  });
  for (const gone of there.values()) gone.remove();
}
