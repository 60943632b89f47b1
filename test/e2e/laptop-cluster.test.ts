/** A cluster tried on one machine: several agents with ids, hostnames, attributes and ports of their own. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { until } from "@muster/testkit";
import { type StandaloneFolder, standaloneFolder } from "../support/standalone.ts";

let folder: StandaloneFolder;
before(async () => {
  folder = await standaloneFolder();
});
after(() => folder.clean());

type Agent = {
  id: string;
  hostname: string;
  ports: { first: number; last: number }[];
  attributes: Record<string, { value: unknown }>;
  capacity: { cpuMillis: number };
};
type Instance = { state: string; agent: string; ports: number[] };

test("three agents have a rack each; UNIQUE rack spreads three instances over them and explains why a fourth waits", {
  timeout: 90_000,
}, async () => {
  const cluster = await folder.start(["--agents=3", "--attributes=rack:rack-{n}", "--example=none"]);
  await cluster.untilReady();
  const get = async (path: string) =>
    (await fetch(`${cluster.http}${path}`)).json() as Promise<Record<string, unknown>>;
  const { agents } = (await get("/v1/agents")) as { agents: Agent[] };
  assert.deepEqual(agents.map((agent) => agent.attributes.rack?.value).toSorted(), ["rack-1", "rack-2", "rack-3"]);
  assert.equal(new Set(agents.map((agent) => agent.hostname)).size, 3);
  const ranges = agents.flatMap((agent) => agent.ports).toSorted((a, b) => a.first - b.first);
  for (const [i, range] of ranges.entries())
    assert.ok(i === 0 || range.first > (ranges[i - 1]?.last ?? 0), "port ranges do not overlap");

  const body = JSON.stringify({
    id: "/web",
    cmd: "exec sleep 600",
    cpus: 0.1,
    mem: 16,
    instances: 4,
    constraints: [["rack", "UNIQUE"]],
  });
  assert.equal((await fetch(`${cluster.http}/v2/apps`, { method: "POST", body })).status, 201);
  const placed = await until(
    async () => {
      const { instances } = (await get("/v1/instances?app=/web")) as { instances: Instance[] };
      const running = instances.filter(({ state }) => state === "running");
      return running.length === 3 && instances.some(({ state }) => state === "waiting") ? running : null;
    },
    { withinMs: 20_000, what: "three running and one waiting" },
  );
  assert.equal(new Set(placed.map(({ agent }) => agent)).size, 3);
  for (const { agent, ports } of placed) {
    const [range] = agents.find(({ id }) => id === agent)?.ports ?? [];
    assert.ok(
      range && ports.every((port) => port >= range.first && port <= range.last),
      "each instance has a port of its own agent's range",
    );
  }
  const why = (await get("/v1/why?app=/web")) as { status: string; summary: string };
  assert.equal(why.status, "waiting");
  assert.match(why.summary, /1 more.*3 agents.*3 refused by constraints.*rack UNIQUE/);
  assert.equal(await cluster.interrupt(), 0);
});
