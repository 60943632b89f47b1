/**
 * Who waits for whom. A dependency on a group is one on all that stands below it, and what a group depends on everything below it
 * depends on. Each app and group has two nodes here: that it begins, which waits for its dependencies and for its group to begin, and
 * that it stands, which waits for all below it.
 */
import { type AppId, appToken, type StateView } from "@muster/contracts";
import { stepsOf } from "../deployment/steps.ts";
import { parentOf } from "./ids.ts";

/** What apps and groups say themselves that they depend on. */
export type Needs = ReadonlyMap<AppId, ReadonlySet<AppId>>;

/**
 * As things stand, and as they will or may stand again: what a running deployment has yet to bring about, and what it would go back
 * to, counts as well.
 */
export function needsOf(view: StateView): Map<AppId, Set<AppId>> {
  const needs = new Map<AppId, Set<AppId>>();
  const add = (id: AppId, dependencies: readonly AppId[]): void => {
    if (dependencies.length === 0) return;
    const all = needs.get(id) ?? new Set<AppId>();
    for (const dependency of dependencies) all.add(dependency);
    needs.set(id, all);
  };
  const versions = view.kind("version");
  const addVersion = (app: AppId, version: number | undefined): void =>
    add(app, versions.get(`${appToken(app)}.${version}`)?.value.spec.dependencies ?? []);
  for (const { value } of view.kind("app").values()) {
    addVersion(value.id, value.version);
    if (value.mix !== null) addVersion(value.id, value.mix.version);
  }
  for (const { value } of view.kind("group").values()) add(value.id, value.dependencies);
  for (const { value: deployment } of view.kind("deployment").values()) {
    if (deployment.state !== "running") continue;
    for (const { group, from } of deployment.groups) add(group, from?.dependencies ?? []);
    for (const { app, from, to } of stepsOf(deployment).flatMap(({ actions }) => actions)) {
      addVersion(app, from?.version);
      addVersion(app, to?.version);
    }
  }
  return needs;
}

/** `b` begins, `s` stands. */
type Node = `${"b" | "s"}${AppId}`;
const begins = (id: AppId): Node => `b${id}`;
const stands = (id: AppId): Node => `s${id}`;
const idOf = (node: Node): AppId => node.slice(1);

class Graph {
  readonly #needs: Needs;
  readonly #children = new Map<AppId, Set<AppId>>();

  constructor(needs: Needs, others: Iterable<AppId> = []) {
    this.#needs = needs;
    for (const [id, dependencies] of needs) {
      this.#learn(id);
      for (const dependency of dependencies) this.#learn(dependency);
    }
    for (const id of others) this.#learn(id);
  }

  #learn(id: AppId): void {
    const parent = parentOf(id);
    if (parent === null) return;
    const siblings = this.#children.get(parent);
    if (siblings?.has(id)) return;
    this.#children.set(parent, (siblings ?? new Set()).add(id));
    this.#learn(parent);
  }

  *waitsFor(node: Node): Generator<Node> {
    const id = idOf(node);
    if (node === stands(id)) {
      yield begins(id);
      for (const child of this.#children.get(id) ?? []) yield stands(child);
      return;
    }
    const parent = parentOf(id);
    if (parent !== null) yield begins(parent);
    for (const dependency of this.#needs.get(id) ?? []) yield stands(dependency);
  }
}

/** The ids of a cycle that one of `changed` is part of, the first one again at the end; null: there is none. */
export function cycleThrough(needs: Needs, changed: Iterable<AppId>): readonly AppId[] | null {
  const graph = new Graph(needs);
  for (const id of changed) {
    const cycle = wayBack(graph, begins(id));
    if (cycle !== null) return cycle.map(idOf).filter((each, i, all) => i === 0 || each !== all[i - 1]);
  }
  return null;
}

function wayBack(graph: Graph, start: Node): Node[] | null {
  const cameFrom = new Map<Node, Node>();
  const queue: Node[] = [start];
  for (const node of queue) {
    for (const next of graph.waitsFor(node)) {
      if (next === start) {
        const way: Node[] = [start];
        for (let at: Node | undefined = node; at !== undefined; at = cameFrom.get(at)) way.unshift(at);
        return way;
      }
      if (cameFrom.has(next)) continue;
      cameFrom.set(next, node);
      queue.push(next);
    }
  }
  return null;
}

/** How many of `apps` each of them has to wait for one after the other, also by way of others that are not among them. */
export function depthsOf(needs: Needs, apps: ReadonlySet<AppId>): ReadonlyMap<AppId, number> {
  const graph = new Graph(needs, apps);
  const heights = new Map<Node, number>();
  for (const app of apps) settle(graph, begins(app), apps, heights);
  return new Map([...apps].map((app) => [app, heights.get(begins(app)) ?? 0]));
}

/** Without recursion: chains may be long. What is being looked at already closes a cycle, and counts as nothing. */
function settle(graph: Graph, root: Node, apps: ReadonlySet<AppId>, heights: Map<Node, number>): void {
  const open = new Set<Node>();
  const stack: { readonly node: Node; readonly nexts: Iterator<Node>; height: number }[] = [];
  const enter = (node: Node): void => {
    open.add(node);
    stack.push({ node, nexts: graph.waitsFor(node), height: 0 });
  };
  if (!heights.has(root)) enter(root);
  for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
    const { value: next, done } = top.nexts.next();
    if (!done) {
      const known = heights.get(next);
      if (known !== undefined) top.height = Math.max(top.height, known);
      else if (!open.has(next)) enter(next);
      continue;
    }
    const { node } = top;
    const own = node === stands(idOf(node)) && apps.has(idOf(node)) ? 1 : 0;
    heights.set(node, top.height + own);
    open.delete(node);
    stack.pop();
    const above = stack.at(-1);
    if (above !== undefined) above.height = Math.max(above.height, top.height + own);
  }
}
