// Betas as the dashboard shows them, chosen as layout.py chooses them.
import { far, plus, two } from "./format.js";
import { keepList, mark, put, putLink, root } from "./fill.js";

const ROW_WINDOW = "1h", DIVERGENCE_WINDOW = "5m", MOST = 5;
const at = (id) => document.getElementById(id);

// The rows with each one's beta over hours, or why it has none.
export function withBeta(document_) {
  return document_.symbols.map((row) => {
    const window_ = document_.beta?.[row.exchange]?.[ROW_WINDOW];
    const found = window_?.symbols[row.symbol];
    return { ...row, beta: found?.beta ?? null, beta_reason: found ? found.reason : window_?.reason ?? "not measured" };
  });
}

export function showDivergences(document_) {
  const rows = Object.entries(document_.beta ?? {}).flatMap(([exchange, windows]) => {
    const { symbols, state, reason } = windows[DIVERGENCE_WINDOW];
    return Object.entries(symbols)
      .filter(([, of]) => of.divergence_z !== null)
      .map(([symbol, of]) => ({ exchange, symbol, beta: of.beta, z: of.divergence_z, late: state === root.dataset.stale ? reason : null }));
  });
  rows.sort((a, b) => Math.abs(b.z) - Math.abs(a.z));
  keepList(at("divergences"), "divergence", rows.slice(0, MOST), (row) => `${row.exchange}|${row.symbol}`, (fields, row) => {
    putLink(fields, row);
    put(fields.exchange, row.exchange);
    put(fields.beta, two(row.beta));
    put(fields.z, plus(row.z), row.late ?? "");
    mark(fields.z, "far", far(row.z));
    if (row.late) mark(fields.z, "late", ""); else delete fields.z.dataset.late;
  });
  put(at("beta-note"), document_.missing.beta ?? "");
  at("beta-note").hidden = document_.beta !== null;
}
