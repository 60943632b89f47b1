/** Times as people read them. Both functions are pure: nothing here reads a clock. */

/** Milliseconds since the epoch as Marathon writes times: `2026-11-20T13:19:00.000Z`. */
export const isoTime = (atMs: number): string => new Date(atMs).toISOString();

/** A span of time in its two largest units: `12 s`, `3 min 5 s`, `2 h 4 min`, `3 d 1 h`. */
export function spanText(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  const units = [
    { name: "d", size: 86_400 },
    { name: "h", size: 3_600 },
    { name: "min", size: 60 },
    { name: "s", size: 1 },
  ];
  const at = units.findIndex((unit) => seconds >= unit.size);
  const [large, small] = units.slice(at < 0 ? -1 : at);
  if (large === undefined) return "0 s";
  const rest = small === undefined ? 0 : Math.floor((seconds % large.size) / small.size);
  return `${Math.floor(seconds / large.size)} ${large.name}${rest === 0 ? "" : ` ${rest} ${small?.name}`}`;
}
