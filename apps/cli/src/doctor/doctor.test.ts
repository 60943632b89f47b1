import assert from "node:assert/strict";
import { test } from "node:test";
import { fakeAgent } from "../fake-cluster.ts";
import { examine } from "./check.ts";
import { checkAgents, checkServices } from "./cluster.ts";
import { deadOf, groupLines } from "./dead.ts";

const closed = (reason: "drain" | "unreachable") => ({ gate: { open: false, reason, sinceMs: 0 } });

for (const [about, agents, level, found] of [
  ["no agent", [], "warn", "none, so nothing can run"],
  ["open agents", [fakeAgent("a"), fakeAgent("b")], "ok", "2 of 2 open for instances"],
  ["one draining", [fakeAgent("a"), fakeAgent("b", closed("drain"))], "ok", "1 of 2 open for instances"],
  ["all draining", [fakeAgent("a", closed("drain"))], "warn", "0 of 1 open for instances"],
  ["one lost", [fakeAgent("a"), fakeAgent("b", closed("unreachable"))], "warn", "1 of 2 open for instances, 1 silent"],
] as const)
  test(`a cluster with ${about} is ${level}`, () => {
    const [check] = checkAgents(agents);
    assert.deepEqual([check?.level, check?.found], [level, found]);
  });

test("a service without a process fails by name, the others are told together", () => {
  const services = ["gateway", "gateway", "deployer", "health", "offer-broker"].map((service) => ({
    service,
    process: "p",
    startedAtMs: 0,
  }));
  assert.deepEqual(
    checkServices({ services }).map(({ level, name, found }) => [level, name, found]),
    [
      ["ok", "services", "gateway (2), deployer, offer-broker, health are alive"],
      ["fail", "placement", "no process holds a lease"],
    ],
  );
});

test("dead messages are told by their headers, given-up ones by the server's advisory", () => {
  const none = () => "";
  const advisory = JSON.stringify({
    stream: "MUSTER_QUEUE",
    consumer: "placement-normal",
    stream_seq: 9,
    deliveries: 6,
  });
  const headers: Record<string, string> = {
    "Muster-Error": "boom",
    "Muster-Subject": "muster.submit.app",
    "Muster-Stream": "MUSTER_SUBMIT",
    "Muster-Sequence": "3",
  };
  const dead = [
    deadOf("advisory", none, advisory),
    deadOf("muster.dead.x", (name) => headers[name] ?? "", ""),
    deadOf("muster.dead.x", (name) => headers[name] ?? "", ""),
    deadOf("muster.dead.odd", none, "not JSON"),
  ];
  assert.deepEqual(groupLines(dead), [
    "2x muster.submit.app: boom (MUSTER_SUBMIT 3)",
    "1x placement-normal: given up on after 6 deliveries (MUSTER_QUEUE 9)",
    "1x muster.dead.odd: no error was noted",
  ]);
});

test("a check that breaks is a finding, not the end of the examination", async () => {
  const [check] = await examine("streams", () => Promise.reject(new Error("timeout")));
  assert.deepEqual([check?.level, check?.found], ["fail", "timeout"]);
});
