// Asks again and again with the ETag: pauses while the tab is hidden, backs off while nobody answers.
import { learnFrom } from "./clock.js";

const EVERY_MS = 5000, PATIENCE_MS = 8000, LEAST_GAP_MS = 800, LONGEST_WAIT_MS = 30000;

export class Poller {
  // `on` has changed(response), unchanged(), refused(response) and lost(retryInSeconds).
  constructor(url, etag, on) {
    Object.assign(this, { url, etag, on, failures: 0, timer: 0, asking: false, again: false, asked: -Infinity });
    document.addEventListener("visibilitychange", () => this.soon());
    addEventListener("online", () => this.soon());
    addEventListener("pageshow", (event) => event.persisted && this.soon());
  }

  // Something may be new: ask at once, but not more often than a person can read.
  soon() {
    if (this.asking) this.again = true;
    else this.wait(Math.max(0, this.asked + LEAST_GAP_MS - performance.now()));
  }

  wait(ms) {
    clearTimeout(this.timer);
    if (!document.hidden) this.timer = setTimeout(() => this.ask(), ms);
  }

  async ask() {
    this.asking = true;
    this.again = false;
    this.asked = performance.now();
    const next = await this.once();
    this.asking = false;
    this.wait(this.again && !this.failures ? LEAST_GAP_MS : next);
  }

  async once() {
    try {
      const headers = this.etag ? { "If-None-Match": this.etag } : {};
      const response = await fetch(this.url, { headers, cache: "no-store", signal: AbortSignal.timeout(PATIENCE_MS) });
      learnFrom(response);
      if (response.status === 200) {
        await this.on.changed(response);
        this.etag = response.headers.get("ETag");
      } else if (response.status === 304) this.on.unchanged();
      else if (response.status >= 400 && response.status !== 502 && response.status !== 504) await this.on.refused(response);
      else throw new Error(`status ${response.status}`);
      this.failures = 0;
      return (Number(response.headers.get("Retry-After")) * 1000) || EVERY_MS;
    } catch {
      this.failures += 1;
      const ms = Math.min(LONGEST_WAIT_MS, 1000 * 2 ** this.failures) * (0.75 + Math.random() / 2);
      this.on.lost(ms / 1000);
      return ms;
    }
  }
}
