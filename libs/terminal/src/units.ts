/** Quantities as people say them. */

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** `0.4s`, `12s`, `2m05s`, `3h10m`, `5d2h`: two units at most, so that columns stay narrow. */
export function duration(ms: number): string {
  const whole = Math.max(0, ms);
  if (whole < 9_950) return `${(whole / SECOND).toFixed(1)}s`;
  if (whole < MINUTE - 500) return `${Math.round(whole / SECOND)}s`;
  const rounded = Math.round(whole / SECOND) * SECOND;
  if (rounded < HOUR) return twoUnits(rounded, MINUTE, "m", SECOND, "s");
  if (rounded < DAY) return twoUnits(rounded, HOUR, "h", MINUTE, "m");
  return `${Math.floor(rounded / DAY)}d${Math.floor((rounded % DAY) / HOUR)}h`;
}

const twoUnits = (ms: number, big: number, bigName: string, small: number, smallName: string): string =>
  `${Math.floor(ms / big)}${bigName}${String(Math.floor((ms % big) / small)).padStart(2, "0")}${smallName}`;

/** How long ago `atMs` was, in whole seconds; empty when it is not known. */
export function age(atMs: number | null, nowMs: number): string {
  if (atMs === null) return "";
  const ms = Math.max(0, nowMs - atMs);
  return ms < 10_000 ? `${Math.floor(ms / SECOND)}s` : duration(ms);
}

/** `512 MiB`, `1.5 GiB`, `2 TiB`. */
export function mebibytes(mib: number): string {
  if (mib < 1024) return `${trimmed(mib)} MiB`;
  if (mib < 1024 * 1024) return `${trimmed(mib / 1024)} GiB`;
  return `${trimmed(mib / 1024 / 1024)} TiB`;
}

export function bytes(count: number): string {
  if (count < 1024) return `${count} B`;
  if (count < 1024 * 1024) return `${trimmed(count / 1024)} KiB`;
  return mebibytes(count / 1024 / 1024);
}

/** Thousandths of a cpu as cores: `0.1`, `2`, `12.25`. */
export const cores = (cpuMillis: number): string => String(Number((cpuMillis / 1000).toFixed(3)));

const trimmed = (value: number): string => String(Number(value.toFixed(value < 10 ? 1 : 0)));

/** `1 instance`, `3 instances`. */
export const plural = (count: number, one: string, many = `${one}s`): string =>
  `${count.toLocaleString("en")} ${count === 1 ? one : many}`;
