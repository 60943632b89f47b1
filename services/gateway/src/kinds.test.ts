import assert from "node:assert/strict";
import { test } from "node:test";
import { keys, readApp, type StateKind, type StateView } from "@muster/contracts";
import { appInfo, clusterView, decideCreate, decideDelete, decideScale, queueInfo, whyOf } from "@muster/core";
import { handmadeHealth, handmadeState } from "@muster/core/apps/testing/handmade-view";
import { kinds } from "./service.ts";

test("the gateway follows every kind of document that its decisions and answers read", () => {
  const [state, health] = [handmadeState(), handmadeHealth()];
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
  const at = { now: 1, dice: () => 0 };
  const by = { who: "test", from: "here" };
  const asked = (app: string, deploymentId: string) => ({
    app,
    deploymentId,
    by,
    force: true,
    submitted: null,
    trace: null,
  });
  const placements = { "/ruler": { conflicts: ["/db"] }, "/global": { global: true } };
  for (const [id, placement] of Object.entries(placements)) {
    const reading = readApp({ id, cmd: "sleep 9", placement });
    state.commit(decideCreate(watched, asked(id, `create-${id.slice(1)}`), reading, at).decision);
  }
  assert.ok(state.revision(keys.rules) > 0);
  decideScale(watched, asked("/ruler", "d1"), 3, at);
  decideDelete(watched, asked("/ruler", "d2"), at);
  appInfo(watched, health, "/global", { tasks: true, lastTaskFailure: true });
  whyOf(watched, health, { app: "/global" }, 1);
  clusterView(watched, health, []);
  queueInfo(watched, health, 1);
  const followed: readonly StateKind[] = kinds.state;
  assert.deepEqual([...read].filter((kind) => !followed.includes(kind)).sort(), []);
  assert.ok(read.size > 8, `saw only ${[...read].join()}`);
});
