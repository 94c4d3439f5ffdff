// A dashboard of which nobody can say any more that it is true, marked as unpublished.py marks it.
import { root } from "./fill.js";

const mapped = (object, change) => Object.fromEntries(Object.entries(object).map(([name, value]) => [name, change(value)]));

export function markedStale(document_, reason) {
  const { stale, empty } = root.dataset;
  const kept = (row) => ({ ...row, price_state: row.price === null ? empty : stale });
  const window_ = (of) => of.state === empty ? of : { ...of, state: stale, reason };
  const { missing, late, ...numbers } = document_.overview;
  return {
    ...document_,
    state: stale,
    reason,
    exchanges: document_.exchanges.map((row) => ({ ...row, state: root.dataset.unknown, since: null, reason, retry_at: null })),
    overview: { ...document_.overview, late: mapped(numbers, () => reason) },
    symbols: document_.symbols.map((row) => ({ ...kept(row), state: stale, reason })),
    movers: mapped(document_.movers, (rows) => rows.map(kept)),
    beta: document_.beta && mapped(document_.beta, (windows) => mapped(windows, window_)),
    late: { alerts: reason },
  };
}
