// Keeps the dashboard (and the small one) current.
import { showAlerts } from "./alerts.js";
import { showDivergences, withBeta } from "./beta.js";
import { exchangeReason } from "./exchange.js";
import { now, startAt, tick } from "./clock.js";
import { direction, utc, words } from "./format.js";
import { keepList, mark, notConfirmed, put, putAge, putLate, putLink, putNumber, root, tones } from "./fill.js";
import { listen } from "./notices.js";
import { Poller } from "./poll.js";
import { Rows } from "./rows.js";
import { control } from "./controls.js";
import { markedStale } from "./unpublished.js";

const exchangeTones = JSON.parse(root.dataset.exchangeTones);
const market = document.getElementById("market");
const at = (id) => document.getElementById(id);
const rows = new Rows(at("rows"));
const LOST = "connection lost";
let last = null, lost = false, marked = false;

function show(document_) {
  last = document_;
  marked = false;
  showState(document_.state, document_.reason);
  putAge(at("as-of"), document_.as_of, now());
  put(at("generated"), utc(document_.generated_at));
  at("simulated").hidden = !document_.simulated;
  showParts(document_);
}

function showParts(document_) {
  for (const tile of at("overview").querySelectorAll("[data-overview]")) {
    const name = tile.dataset.overview, value = document_.overview[name];
    putNumber(tile, value, tile.dataset.format, document_.overview.missing[name]);
    putLate(tile, value === null ? "" : document_.overview.late?.[name]);
    if ("dir" in tile.dataset) mark(tile, "dir", direction(value));
  }
  for (const list of ["gainers", "losers"]) {
    keepList(at(list), "mover", document_.movers[list], (row) => `${row.exchange}|${row.symbol}`, (fields, row) => {
      putLink(fields, row);
      put(fields.exchange, row.exchange);
      putNumber(fields.price, row.price, "price");
      putLate(fields.price, notConfirmed(row));
      put(fields.late, notConfirmed(row) ? "late " : "");
      putNumber(fields.change_24h, row.change_24h, "change");
      mark(fields.change_24h, "dir", direction(row.change_24h));
    });
  }
  showExchanges(document_.exchanges);
  showAlerts(document_);
  showDivergences(document_);
  rows.show(withBeta(document_), document_.reason);
  at("nothing").hidden = document_.symbols.length > 0;
  controls?.count();
}

function showExchanges(rows_) {
  root.toggleAttribute("data-several", rows_.length > 1);
  keepList(at("exchanges"), "exchange", rows_, (row) => row.id, showExchange);
}

function showExchange(fields, row) {
  put(fields.id, row.id);
  put(fields.state, words(row.state));
  mark(fields.state, "tone", exchangeTones[row.state] ?? "bad");
  putAge(fields.age, row.last_success_at, now());
  put(fields.why, exchangeReason(row));
  fields.why.hidden = !row.reason;
}

function showState(state, reason) {
  put(at("state"), state);
  mark(at("state"), "tone", tones[state]);
  const banner = at("trouble");
  banner.hidden = state === root.dataset.live;
  mark(banner, "tone", tones[state]);
  put(banner.querySelector("strong"), state);
  put(banner.querySelector("span"), reason ?? "");
}

function found() {
  at("lost").hidden = true;
  delete root.dataset.lost;
  const was = lost;
  lost = false;
  return was;
}

const poller = new Poller(market.dataset.url, "", {
  async changed(response) {
    const document_ = await response.json();
    found();
    show(document_);
  },
  unchanged() {
    if ((found() || marked) && last) show(last);
  },
  async refused(response) {
    const problem = await response.json();
    found();
    // An empty cache ends nothing that is on the page; it only says that nothing newer is there.
    showState(last ? root.dataset.stale : root.dataset.empty, problem.detail);
    if (last) showParts(markedStale(last, problem.detail));
    marked = true;
    if (problem.exchanges) showExchanges(problem.exchanges);
  },
  lost(retryIn) {
    const since = last ? `last update ${utc(last.generated_at)}` : "no update since this page was opened";
    put(at("lost").querySelector("span"), `${since}; trying again in ${Math.ceil(retryIn)} s.`);
    at("lost").hidden = false;
    root.dataset.lost = "";
    if (lost) return;
    lost = true;
    put(at("state"), root.dataset.stale);
    mark(at("state"), "tone", tones[root.dataset.stale]);
    if (last) showParts(markedStale(last, LOST));
  },
});

startAt(Number(market.dataset.now));
const controls = control(rows);
setInterval(tick, 1000);
poller.soon();
if (market.dataset.streamPort) {
  listen(market.dataset.streamPort, market.dataset.view, (etag) => etag !== poller.etag?.replace("W/", ""), () => poller.soon());
}
