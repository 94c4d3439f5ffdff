// Keeps a page of numbers current (one symbol, the betas): the server renders it again, only what it says
// is exchanged.
import { startAt, tick, now } from "./clock.js";
import { root, tones } from "./fill.js";
import { utc } from "./format.js";
import { Poller } from "./poll.js";

const PARTS = ["explained", "status"];
const at = (id) => document.getElementById(id);
let updated = Number(at("explained").dataset.now);

function found() {
  at("lost").hidden = true;
  delete root.dataset.lost;
}

function say(title, text) {
  at("lost").querySelector("strong").textContent = title;
  at("lost").querySelector("span").textContent = text;
  at("lost").hidden = false;
  const state = at("status").querySelector("[data-tone]");
  state.textContent = root.dataset.stale;
  state.dataset.tone = tones[root.dataset.stale];
}

const poller = new Poller(location.pathname + location.search, "", {
  async changed(response) {
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    for (const id of PARTS) at(id).replaceWith(document.adoptNode(page.getElementById(id)));
    updated = Number(at("explained").dataset.now);
    found();
    tick();
  },
  unchanged() {
    updated = now();
    // What was said to be stale for the lost connection comes back with the next full page.
    if (!at("lost").hidden) { found(); poller.etag = ""; poller.soon(); }
  },
  async refused(response) {
    say("Not available", `the server answers ${response.status} for this page; last update ${utc(updated)}.`);
  },
  lost(retryIn) {
    root.dataset.lost = "";
    say("Connection lost", `last update ${utc(updated)}; trying again in ${Math.ceil(retryIn)} s.`);
  },
});

startAt(updated);
setInterval(tick, 1000);
poller.soon();
