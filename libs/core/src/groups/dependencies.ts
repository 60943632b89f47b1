/** A change of what apps and groups depend on: refused where it closes a cycle, told where there is nothing to depend on. */
import {
  type AppId,
  appToken,
  formatPath,
  type GraphDocument,
  keys,
  MusterError,
  type Path,
  type Problem,
  type StateView,
  type Write,
} from "@muster/contracts";
import { cycleThrough, needsOf } from "./graph.ts";
import { isBelow } from "./ids.ts";

export type Depending = {
  readonly id: AppId;
  readonly dependencies: readonly AppId[];
  readonly before: readonly AppId[];
  /** Where it stands in what was sent. */
  readonly path: Path;
};

export type DependencyChange = {
  /** To be written last of all: whoever has seen the graph at this revision must have seen what it is about. */
  readonly last: readonly Write[];
  readonly warnings: readonly Problem[];
};

/** `view`: with the change laid over it, as far as it makes things exist. Throws `spec.invalid` with the way around the cycle. */
export function changeDependencies(view: StateView, all: readonly Depending[]): DependencyChange {
  const changed = all.filter(({ dependencies, before }) => !isSameSet(dependencies, before));
  if (changed.length === 0) return { last: [], warnings: [] };
  const needs = needsOf(view);
  for (const { id, dependencies } of changed) needs.set(id, new Set(dependencies));
  const growing = changed.filter(({ dependencies, before }) => dependencies.some((each) => !before.includes(each)));
  for (const { id, path } of growing) {
    const cycle = cycleThrough(needs, [id]);
    if (cycle !== null) throw closes(cycle, [...path, "dependencies"]);
  }
  const value: GraphDocument = { changes: (view.kind("graph").get("")?.value.changes ?? 0) + 1 };
  return {
    last: [{ key: keys.graph, value, expect: view.revision(keys.graph) }],
    warnings: changed.flatMap((each) => missing(view, each)),
  };
}

function closes(cycle: readonly AppId[], path: Path): MusterError {
  const message = `these wait for each other, so none could ever start: ${cycle.join(" → ")}`;
  const at = formatPath(path);
  return new MusterError("spec.invalid", `${at}: ${message}`, { problems: [{ path: at, message }] });
}

const isSameSet = (a: readonly AppId[], b: readonly AppId[]): boolean =>
  a.every((each) => b.includes(each)) && b.every((each) => a.includes(each));

const missing = (view: StateView, { dependencies, path }: Depending): Problem[] =>
  dependencies.flatMap((id, i) =>
    stands(view, id)
      ? []
      : [{ path: formatPath([...path, "dependencies", i]), message: `nothing has the id ${id}: nobody waits for it` }],
  );

function stands(view: StateView, id: AppId): boolean {
  if (view.kind("app").has(appToken(id)) || view.kind("path").get(appToken(id))?.value.kind === "group") return true;
  for (const { value } of view.kind("app").values()) if (isBelow(value.id, id)) return true;
  return false;
}
