// Ages tick here, by the server's clock: a browser's own may be wrong.
import { age } from "./format.js";

let ahead = 0;

export const now = () => Date.now() / 1000 + ahead;

// The page says when it was rendered; it cannot have been rendered after it arrived.
export function startAt(rendered) {
  ahead = rendered - performance.timeOrigin / 1000 - performance.getEntriesByType("navigation")
    .reduce((_, entry) => entry.responseStart / 1000, 0);
}

// The Date header has whole seconds: half a second is the best guess at the rest.
export function learnFrom(response) {
  const said = Date.parse(response.headers.get("Date") ?? "") / 1000 + 0.5;
  if (Number.isFinite(said) && Math.abs(said - now()) > 1) ahead = said - Date.now() / 1000;
}

export function tick() {
  const moment = now();
  for (const element of document.querySelectorAll("[data-as-of]")) {
    const text = age(moment - Number(element.dataset.asOf));
    if (element.textContent !== text) element.textContent = text;
  }
}
