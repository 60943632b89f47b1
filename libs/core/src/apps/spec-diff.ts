/** What differs between two specs, field by field, in the words in which specs are written. */
import { type AppSpec, type PlanChange, readApp, renderApp } from "@muster/contracts";
import { isSame } from "./same.ts";

type Json = Record<string, unknown>;
const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Of a new app, with `old` null: what it says beyond the defaults, and always what decides its place. */
export function diffSpecs(old: AppSpec | null, spec: AppSpec): PlanChange[] {
  if (old !== null) return diffJson(fieldsOf(old), fieldsOf(spec));
  const { id, instances } = spec;
  const { cmd: _, ...plain } = fieldsOf(readApp({ id, cmd: "true", instances }).spec);
  for (const name of ["instances", "cpus", "mem"]) delete plain[name];
  return diffJson(plain, fieldsOf(spec))
    .filter(({ op }) => op !== "remove")
    .map((change) => ({ ...change, op: "add", old: null }));
}

function fieldsOf(spec: AppSpec): Json {
  const { id: _, version: __, ...fields } = renderApp(spec, { version: 0 });
  return fields;
}

/** Objects go by their keys. Of two arrays, what is equal at both ends is left out; the rest is compared in order. */
export function diffJson(old: unknown, now: unknown, path = ""): PlanChange[] {
  if (isSame(old, now)) return [];
  if (isObject(old) && isObject(now)) {
    const names = new Set([...Object.keys(now), ...Object.keys(old)]);
    return [...names].flatMap((name) => {
      const at = `${path}/${name}`;
      if (!Object.hasOwn(old, name)) return leaves(now[name], at, "add");
      return Object.hasOwn(now, name) ? diffJson(old[name], now[name], at) : leaves(old[name], at, "remove");
    });
  }
  if (Array.isArray(old) && Array.isArray(now) && !isWithinArray(path)) return diffArrays(old, now, path);
  return [{ path, op: "change", old, new: now }];
}

/** A constraint such as `["rack", "UNIQUE"]` is one thing. */
const isWithinArray = (path: string): boolean => path.endsWith(")");

function diffArrays(old: readonly unknown[], now: readonly unknown[], path: string): PlanChange[] {
  const shorter = Math.min(old.length, now.length);
  let head = 0;
  while (head < shorter && isSame(old[head], now[head])) head += 1;
  let tail = 0;
  while (tail < shorter - head && isSame(old[old.length - 1 - tail], now[now.length - 1 - tail])) tail += 1;
  const [oldEnd, newEnd] = [old.length - tail, now.length - tail];
  const changes: PlanChange[] = [];
  for (let i = head; i < Math.max(oldEnd, newEnd); i += 1) {
    const at = `${path}(${i})`;
    if (i >= oldEnd) changes.push(...leaves(now[i], at, "add"));
    else if (i >= newEnd) changes.push(...leaves(old[i], at, "remove"));
    else changes.push(...diffJson(old[i], now[i], at));
  }
  return changes;
}

/** Something that comes or goes, told by its innermost fields. */
function leaves(value: unknown, path: string, op: "add" | "remove"): PlanChange[] {
  if (isObject(value)) return Object.entries(value).flatMap(([name, field]) => leaves(field, `${path}/${name}`, op));
  if (Array.isArray(value) && value.some((item) => typeof item === "object") && !isWithinArray(path))
    return value.flatMap((item, i) => leaves(item, `${path}(${i})`, op));
  if (Array.isArray(value) && value.length === 0) return [];
  return [{ path, op, old: op === "add" ? null : value, new: op === "add" ? value : null }];
}
