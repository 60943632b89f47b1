/** What two JSON documents say otherwise, field by field, by paths as problems name them: `/env/LEVEL`, `/constraints(0)`. */
import type { PlanChange } from "@muster/contracts";

export function differences(old: unknown, now: unknown): PlanChange[] {
  return compare("", old, now);
}

function compare(path: string, old: unknown, now: unknown): PlanChange[] {
  if (JSON.stringify(old) === JSON.stringify(now)) return [];
  if (isObject(old) && isObject(now)) {
    const names = [...new Set([...Object.keys(old), ...Object.keys(now)])].sort();
    return names.flatMap((name) => compare(`${path}/${name}`, old[name], now[name]));
  }
  // Lists of one length are compared item by item; of two, an item that is added would shift all that follow.
  if (Array.isArray(old) && Array.isArray(now) && old.length === now.length)
    return old.flatMap((item, i) => compare(`${path}(${i})`, item, now[i]));
  if (old === undefined) return [{ path, op: "add", old: null, new: now }];
  if (now === undefined) return [{ path, op: "remove", old, new: null }];
  return [{ path, op: "change", old, new: now }];
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
