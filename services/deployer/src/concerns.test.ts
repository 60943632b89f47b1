import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { keys, readApp } from "@muster/contracts";
import { handmadeState } from "@muster/core/apps/testing/handmade-view";
import { Concerns } from "./concerns.ts";

mock.timers.enable({ apis: ["setTimeout"] });

/** A view, what it makes the deployer look at, and a way to change it as the bucket's stream does. */
function start() {
  const state = handmadeState();
  const marked: string[] = [];
  const concerns = new Concerns(state, (app) => marked.push(app));
  const change = (key: string, value: unknown) => {
    state.put(key, value);
    const [kind = "", ...rest] = key.split(".");
    concerns.note({ kind, rest: rest.join(".") });
  };
  let version = 0;
  const app = (id: string, placement: object) => {
    version += 1;
    change(keys.app(id), { id, version, instances: 1, goal: "run" });
    change(keys.version(id, version), { spec: readApp({ id, cmd: "sleep 9", placement }).spec });
  };
  const taken = () => marked.splice(0);
  return { state, change, app, taken };
}

test("an app on every agent is looked at when agents come, change or get the operator's word, many of them at once", () => {
  const { change, app, taken } = start();
  app("/g", { global: true });
  app("/a", {});
  taken();
  for (let i = 0; i < 100; i += 1) change(keys.offer(`n${i}`), {});
  change(keys.agent("n1"), {});
  assert.deepEqual(taken(), [], "not before all that come together have come");
  mock.timers.tick(50);
  assert.deepEqual(taken(), ["/g"]);
  change(keys.agent("n1"), {});
  mock.timers.tick(50);
  assert.deepEqual(taken(), ["/g"]);
  change(keys.ledger("n1"), {});
  mock.timers.tick(50);
  assert.deepEqual(taken(), [], "what is committed there is nobody's concern");
});

test("a new version decides anew whose concern agents are, and an app that is gone has none", () => {
  const { change, app, taken } = start();
  const agentComes = () => {
    taken();
    change(keys.offer("n1"), {});
    mock.timers.tick(50);
    return taken();
  };
  app("/g", { global: true });
  assert.deepEqual(agentComes(), ["/g"]);
  app("/g", {});
  assert.deepEqual(agentComes(), []);
  app("/g", { global: true });
  assert.deepEqual(agentComes(), ["/g"]);
  change(keys.app("/g"), null);
  assert.deepEqual(agentComes(), []);
});

test("an app that follows another one is looked at when that one moves, changes or finds no place", () => {
  const { change, app, taken } = start();
  app("/db", {});
  app("/sidekick", { machineOf: "/db" });
  taken();
  for (const key of [keys.placed("/db"), keys.wanted("/db"), keys.waiting("/db"), keys.app("/db")]) {
    change(key, { id: "/db", version: 1 });
    assert.deepEqual(taken(), ["/sidekick"], key);
  }
  change(keys.placed("/sidekick"), {});
  change(keys.offer("n1"), {});
  mock.timers.tick(50);
  assert.deepEqual(taken(), []);
  app("/sidekick", { machineOf: "/cache" });
  taken();
  change(keys.placed("/db"), {});
  change(keys.placed("/cache"), {});
  assert.deepEqual(taken(), ["/sidekick"], "once, for the one that it follows now");
});

test("an app on every agent that finds no place for a new instance is looked at, so that an older one makes way", () => {
  const { change, app, taken } = start();
  app("/g", { global: true });
  app("/a", {});
  taken();
  change(keys.waiting("/g"), {});
  change(keys.waiting("/a"), {});
  assert.deepEqual(taken(), ["/g"]);
});

test("what stood before the process started is known", () => {
  const { state } = start();
  state.put(keys.app("/g"), { id: "/g", version: 1 });
  state.put(keys.version("/g", 1), { spec: readApp({ id: "/g", cmd: "a", placement: { global: true } }).spec });
  const marked: string[] = [];
  const concerns = new Concerns(state, (app) => marked.push(app));
  concerns.note({ kind: "offer", rest: "n1" });
  mock.timers.tick(50);
  assert.deepEqual(marked, ["/g"]);
});
