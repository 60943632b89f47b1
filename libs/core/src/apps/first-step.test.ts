import assert from "node:assert/strict";
import { test } from "node:test";
import { keys, NO_DECISION, type WantedRow } from "@muster/contracts";
import { advanceDeployment } from "../deployment/advance.ts";
import { decideRollout } from "../rollout/decide.ts";
import type { Change } from "./change.ts";
import { decideCreate, decideDelete, decideRestart } from "./decide.ts";
import { withFirstStep } from "./first-step.ts";
import { layered } from "./layer.ts";
import { asked, at, commit, end, read, standing, update } from "./testing/handmade-requests.ts";
import { type HandmadeState, handmadeHealth, handmadeState } from "./testing/handmade-view.ts";

const health = handmadeHealth();
const web = { app: "/web", trace: null };
const rowsOf = (state: HandmadeState): readonly WantedRow[] => state.kind("wanted").get("web")?.value.rows ?? [];
const deploy = (state: HandmadeState): void => {
  const decision = decideRollout(state, health, "/web", null, at)?.decision;
  if (decision !== undefined) state.commit(decision);
};

/** An app that stands, with its instances wished for. */
function wished(instances: number): HandmadeState {
  const state = standing({ instances });
  deploy(state);
  return state;
}

const changes: Record<string, { from: () => HandmadeState; change: (state: HandmadeState) => Change; rows: number }> = {
  create: {
    from: handmadeState,
    change: (state) => decideCreate(state, asked("d1"), read({ instances: 3 }), at),
    rows: 3,
  },
  "scale up": { from: () => wished(2), change: (state) => update(state, asked("d1"), { instances: 5 }), rows: 5 },
  "scale down": { from: () => wished(3), change: (state) => update(state, asked("d1"), { instances: 1 }), rows: 1 },
  upgrade: {
    from: () => wished(2),
    change: (state) => update(state, asked("d1"), { instances: 2, cmd: "b" }),
    rows: 2,
  },
  restart: { from: () => wished(2), change: (state) => decideRestart(state, asked("d1"), at), rows: 2 },
};

for (const [name, { from, change, rows }] of Object.entries(changes))
  test(`${name}: the batch that begins the deployment holds the wish the deployer would make`, () => {
    const [together, apart] = [from(), from()];
    commit(together, withFirstStep(together, health, web, change(together), at));
    commit(apart, change(apart));
    assert.notDeepEqual(rowsOf(apart), rowsOf(together), "the change alone makes no wish");
    deploy(apart);
    const wishes = (state: HandmadeState) =>
      rowsOf(state).map(({ slot, version, goal, agent }) => ({ slot, version, goal, agent }));
    assert.deepEqual(wishes(together), wishes(apart));
    assert.equal(wishes(together).filter(({ goal }) => goal === "run").length, rows);
    for (const state of [together, apart]) deploy(state);
    assert.deepEqual(wishes(together), wishes(apart), "they go on alike");
  });

test("placement is woken for the wish, and the wish rests on what it was decided on", () => {
  const state = wished(2);
  const { decision } = withFirstStep(state, health, web, update(state, asked("d1"), { instances: 4 }), at);
  assert.deepEqual(
    decision.wakes.map(({ app, key }) => ({ app, key })),
    [{ app: "/web", key: keys.wanted("/web") }],
  );
  state.put(keys.wanted("/web"), { ...state.kind("wanted").get("web")?.value });
  assert.throws(() => state.commit(decision), /wanted/);
});

test("a deployment that is over before it begins is ended by the deployer", () => {
  const state = wished(0);
  const change = decideRestart(state, asked("d1"), at);
  commit(state, withFirstStep(state, health, web, change, at));
  assert.equal(state.kind("deployment").get("d1")?.value.state, "running");
  state.commit(advanceDeployment(state, health, "d1", at)?.decision ?? NO_DECISION);
  assert.equal(state.kind("deployment").get("d1")?.value.state, "succeeded");
});

test("the removal of an app without instances is the deployer's", () => {
  const state = standing({ instances: 0 });
  const change = decideDelete(state, asked("d1"), at);
  assert.deepEqual(withFirstStep(state, health, web, change, at), change);
});

test("no change, no step", () => {
  const state = standing();
  const change = update(state, asked("d1"), {});
  assert.equal(withFirstStep(state, health, web, change, at), change);
});

test("attempts of an app that comes again are higher than any of the one before", () => {
  const state = handmadeState();
  commit(state, withFirstStep(state, health, web, decideCreate(state, asked("d1"), read({ instances: 3 }), at), at));
  const before = Math.max(...rowsOf(state).map(({ attempt }) => attempt));
  assert.ok(before > state.sequence - 20);
  end(state);
  state.put(keys.wanted("/web"), { ...state.kind("wanted").get("web")?.value, rows: [] });
  commit(state, decideDelete(state, asked("d2"), at));
  deploy(state);
  assert.equal(state.kind("app").size, 0);
  commit(state, withFirstStep(state, health, web, decideCreate(state, asked("d3"), read({}), at), at));
  assert.ok(Math.min(...rowsOf(state).map(({ attempt }) => attempt)) > before);
});

test("a layer hides what it purges, adds what it writes, and reads through to the rest", () => {
  const state = handmadeState();
  for (const id of ["/a", "/b"]) state.put(keys.app(id), { id });
  state.put(keys.hold, { app: "/a" });
  const writes = [
    { key: keys.app("/a"), value: null, expect: null },
    { key: keys.app("/c"), value: { id: "/c" }, expect: null },
  ];
  const view = layered(state, writes, 900);
  const apps = view.kind("app");
  assert.deepEqual([...apps.keys()], ["b", "c"]);
  assert.equal(apps.size, 2);
  assert.equal(apps.has("a"), false);
  assert.equal(apps.get("c")?.revision, 902);
  assert.equal(view.kind("hold"), state.kind("hold"));
  assert.equal(view.revision(keys.app("/a")), state.revision(keys.app("/a")));
  assert.deepEqual([...state.kind("app").keys()], ["a", "b"], "nothing below has changed");
  const visited: string[] = [];
  apps.forEach((_entry, key) => {
    visited.push(key);
  });
  assert.deepEqual(visited, [...apps.keys()]);
  assert.deepEqual([...apps.values()].length, 2);
});
