import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type AppSpec, keys, readApp, SERVICE_PORT_RANGE } from "@muster/contracts";
import { currentApp } from "./current.ts";
import { decideCreate } from "./decide.ts";
import { servicePortsOf } from "./service-ports.ts";
import { asked, at, commit, read, refusedWith, specOf, standing, update } from "./testing/handmade-requests.ts";
import { handmadeState } from "./testing/handmade-view.ts";

describe("service ports", () => {
  test("a port of 0 gets a free one of the range, which no other app gets", () => {
    const state = handmadeState();
    commit(state, decideCreate(state, asked("d1"), read({ ports: [0, 0] }), at));
    const other = readApp({ id: "/other", cmd: "sleep 9", ports: [0] });
    commit(state, decideCreate(state, asked("d2", { app: "/other" }), other, at));
    assert.deepEqual(servicePortsOf(specOf(state)), [10_000, 10_001]);
    assert.deepEqual(servicePortsOf(currentApp(state, "/other")?.spec as AppSpec), [10_002]);
    assert.deepEqual(state.kind("port").get("10002")?.value, { kind: "app", owner: "/other" });
  });

  test("two that were decided at once collide on the claim", () => {
    const state = handmadeState();
    const other = readApp({ id: "/other", cmd: "sleep 9" });
    const slow = decideCreate(state, asked("d2", { app: "/other" }), other, at);
    commit(state, decideCreate(state, asked("d1"), read({}), at));
    assert.throws(() => state.commit(slow.decision), /port\.10000/);
  });

  test("they are kept across updates, so that sending the same app again changes nothing", () => {
    const state = standing({ ports: [0, 0] });
    assert.deepEqual(update(state, asked("d1"), { ports: [0, 0] }).decision.writes, []);
    commit(state, update(state, asked("d2"), { ports: [0, 0], cpus: 3 }));
    assert.deepEqual(servicePortsOf(specOf(state)), [10_000, 10_001]);
  });

  test("what an update no longer names is given back", () => {
    const state = standing({ ports: [0, 0] });
    commit(state, update(state, asked("d1"), { ports: [8_080, 10_001] }));
    assert.deepEqual(servicePortsOf(specOf(state)), [8_080, 10_001]);
    assert.deepEqual([...state.kind("port").keys()].sort(), ["10001", "8080"]);
  });

  test("a port that another app has is a warning, not a refusal", () => {
    const state = handmadeState();
    const other = readApp({ id: "/other", cmd: "sleep 9", ports: [8_080] });
    commit(state, decideCreate(state, asked("d2", { app: "/other" }), other, at));
    const { answer } = commit(state, decideCreate(state, asked("d1"), read({ ports: [8_080] }), at));
    assert.deepEqual(answer.warnings, [
      { path: "/portDefinitions(0)/port", message: "service port 8080 belongs to /other" },
    ]);
    assert.equal(state.kind("port").get("8080")?.value.owner, "/other");
  });

  test("ports that must be had on the host are nobody's service ports", () => {
    const state = handmadeState();
    const { decision } = decideCreate(state, asked("d1"), read({ ports: [8_080], requirePorts: true }), at);
    assert.ok(!decision.writes.some((write) => write.key.startsWith("port.")));
  });

  test("mappings of a bridge have them beside their host ports", () => {
    const state = handmadeState();
    const container = {
      docker: { image: "nginx" },
      portMappings: [{ containerPort: 80, servicePort: 80 }, { containerPort: 81 }],
    };
    const reading = readApp({ id: "/web", container, networks: [{ mode: "container/bridge" }] });
    commit(state, decideCreate(state, asked("d1"), reading, at));
    assert.deepEqual(servicePortsOf(specOf(state)), [80, 10_000]);
  });

  test("a range that is full is a refusal that says so", () => {
    const state = handmadeState();
    const other = readApp({ id: "/other", cmd: "sleep 9", ports: [1] });
    commit(state, decideCreate(state, asked("d2", { app: "/other" }), other, at));
    for (let port: number = SERVICE_PORT_RANGE.first; port <= SERVICE_PORT_RANGE.last; port += 1) {
      state.put(keys.servicePort(port), { kind: "app", owner: "/other" });
    }
    assert.throws(() => decideCreate(state, asked("d1"), read({}), at), refusedWith("spec.invalid", "10000"));
  });
});
