import assert from "node:assert/strict";
import { test } from "node:test";
import { keys, readApp, type StateKind, type StateView } from "@muster/contracts";
import { decideRollout } from "@muster/core";
import { handmadeHealth, handmadeState } from "@muster/core/apps/testing/handmade-view";
import { Concerns } from "./concerns.ts";
import { kinds } from "./service.ts";

test("the deployer follows every kind of document that its decisions read, and the revision of every key they rest on", () => {
  const state = handmadeState();
  const read = new Set<StateKind>();
  const watched: StateView = {
    kind(kind) {
      read.add(kind);
      return state.kind(kind);
    },
    revision(key) {
      read.add(key.split(".")[0] as StateKind);
      return state.revision(key);
    },
  };
  const app = (id: string, placement: object, goal = "run") => {
    const { spec } = readApp({ id, cmd: "sleep 9", placement });
    state.put(keys.version(id, 1), { app: id, version: 1, spec, by: { who: "test", from: "here" } });
    state.put(keys.app(id), { id, version: 1, instances: 1, goal, mix: null, deployment: null });
  };
  app("/global", { global: true });
  app("/db", {});
  app("/sidekick", { machineOf: "/db" });
  app("/ruler", { conflicts: ["/db"] }, "deleted");
  state.put(keys.rules, { apps: ["ruler"] });
  state.put(keys.hold, { app: "/ruler" });
  state.put(keys.placed("/db"), { app: "/db", rows: [{ goal: "run", agent: "n1" }], ended: [], history: [] });
  for (const id of ["/global", "/db", "/sidekick", "/ruler"])
    decideRollout(watched, handmadeHealth(), id, null, { now: 1, dice: () => 0 });
  new Concerns(watched, () => undefined).stop();
  assert.deepEqual([...read].filter((kind) => !kinds.state.includes(kind)).sort(), []);
  assert.ok(read.size > 10, `saw only ${[...read].join()}`);
});
