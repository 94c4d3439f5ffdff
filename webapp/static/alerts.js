// The newest alerts, and the button that says that somebody has seen one.
import { now } from "./clock.js";
import { utc } from "./format.js";
import { keepList, mark, put, putAge, putLink, root } from "./fill.js";

const NONE = "no alerts";
const list = document.getElementById("alerts"), note = document.getElementById("alerts-note");
const tones = JSON.parse(root.dataset.severityTones);
// What was acknowledged here and is not published yet, by id.
const seen = new Map();
let shown = [];

export function showAlerts(document_) {
  const alerts = document_.alerts;
  shown = alerts ?? [];
  say(alerts === null ? document_.missing.alerts : document_.late?.alerts ?? (alerts.length ? "" : NONE));
  for (const alert of shown) if (alert.acknowledged_at !== null) seen.delete(alert.id);
  fillList();
}

function fillList() {
  keepList(list, "alert", shown, (alert) => alert.id, fillAlert);
}

function fillAlert(fields, alert) {
  const acknowledged = alert.acknowledged_at ?? seen.get(alert.id) ?? null;
  put(fields.severity, alert.severity);
  mark(fields.severity, "tone", tones[alert.severity] ?? "none");
  putAge(fields.age, alert.raised_at, now());
  fields.age.title = utc(alert.raised_at);
  fields.about.hidden = alert.symbol === null;
  if (alert.symbol !== null) putLink(fields, alert);
  put(fields.exchange, alert.exchange ?? "");
  put(fields.text, alert.text);
  fields.acknowledge.setAttribute("aria-label", `Acknowledge: ${alert.text}`);
  fields.acknowledge.hidden = acknowledged !== null;
  put(fields.seen, acknowledged === null ? "" : `acknowledged ${utc(acknowledged)}`);
  fields.seen.hidden = acknowledged === null;
  fields.acknowledge.closest("li").dataset.seen = acknowledged === null ? "no" : "yes";
}

function say(text) {
  put(note, text);
  note.hidden = !text;
}

// From the keyboard the next alert follows; at the end of the list it is the list itself.
function moveOn(line) {
  const next = [...list.querySelectorAll("button:not([hidden])")].find(
    (button) => line.compareDocumentPosition(button) & Node.DOCUMENT_POSITION_FOLLOWING && !line.contains(button));
  (next ?? list).focus({ preventScroll: next === undefined });
}

list.addEventListener("click", async (event) => {
  const button = event.target.closest("button");
  if (!button || button.disabled) return;
  const line = button.closest("li"), id = line.dataset.key, held = document.activeElement === button;
  button.disabled = true;
  try {
    const asked = { method: "POST", headers: { "Content-Type": "application/json" }, body: "{}" };
    const answer = await fetch(`/api/alerts/${encodeURIComponent(id)}/acknowledge`, asked);
    const said = await answer.json().catch(() => ({}));
    if (!answer.ok) throw new Error(said.detail ?? `the server answers ${answer.status}`);
    seen.set(id, said.acknowledged_at);
    fillList();
    if (held) moveOn(line);
  } catch (error) {
    say(`not acknowledged: ${error.message}`);
  } finally {
    button.disabled = false;
  }
});
