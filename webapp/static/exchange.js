// The sentence about an exchange in trouble, as layout.py makes it.
import { utc } from "./format.js";

export function exchangeReason(row) {
  if (!row.reason) return "";
  const since = row.since === null ? "" : `, since ${utc(row.since)}`;
  const again = row.retry_at === null ? "" : `; next try at ${utc(row.retry_at)}`;
  return row.reason + since + again;
}
