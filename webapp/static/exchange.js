// The sentence about an exchange in trouble, as layout.py makes it.
import { utc } from "./format.js";

export function exchangeReason(row) {
  if (!row.reason) return "";
  // Of an unknown state nobody can say since when it is so.
  const since = row.since === null || row.state === "unknown" ? "" : `, since ${utc(row.since)}`;
  const again = row.retry_at === null ? "" : `; retrying at ${utc(row.retry_at)}`;
  return row.reason + since + again;
}
