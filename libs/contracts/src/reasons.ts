/** Reasons of failures that another try will meet again: the app must change, or the machine must. */
export const FATAL_REASONS: ReadonlySet<string> = new Set([
  "command-not-found",
  "command-not-executable",
  "unknown-user",
  "no-command",
  "no-image",
  "image-not-found",
  "unsupported-parameter",
  "privileged-refused",
  "malformed-record",
]);
/** So many failures for such a reason are enough: the first may have been one agent's. */
export const FATAL_FAILURES_MAX = 2;
