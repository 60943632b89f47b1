/** Instances that do not come to run are replaced; those of a silent agent are not, whatever they were about to do. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { startAgent } from "@muster/agent/service";
import { agentSettings } from "@muster/agent/settings";
import { startHealth } from "@muster/health/service";
import { type Cluster, readSettings, type Service } from "@muster/runtime";
import { SimulatedAgent, until } from "@muster/testkit";
import { openTestCluster, startPlane, type TestPlane } from "../support/control-plane.ts";

/** Longer than an agent may be silent before it is suspect. */
const LAUNCH_MS = 4_000;

let plane: TestPlane;
let judge: { cluster: Cluster; service: Service };

before(async () => {
  plane = await startPlane(["offer-broker", "deployer", "placement"]);
  const cluster = await openTestCluster(plane.server.url, ["health"]);
  const service = await startHealth(cluster, { launchConfirmMs: LAUNCH_MS, launchMs: LAUNCH_MS });
  judge = { cluster, service };
});
after(async () => {
  await judge.service.stop();
  await judge.cluster.close();
  await plane.stop();
});

const verdictOf = (instance: string) => plane.operator.cluster.health.kind("verdict").get(instance)?.value;
const historyOf = (app: string) => plane.operator.cluster.state.kind("placed").get(app.slice(1))?.value.history ?? [];

const some = <T>(rows: readonly T[]): readonly T[] | null => (rows.length > 0 ? rows : null);

/** An engine that has no image and answers nothing to who asks it to pull one; `pulls` are the answers it still owes. */
async function stuckEngine(socketPath: string): Promise<{ server: Server; pulls: ServerResponse[] }> {
  const pulls: ServerResponse[] = [];
  const server = createServer((request, response) => {
    const url = request.url ?? "";
    if (url.includes("/images/create")) pulls.push(response.writeHead(200));
    else if (url.includes("/events")) response.writeHead(200).flushHeaders();
    else if (url.includes("_ping")) response.end("OK");
    else if (url.endsWith("/json") && /images\/[^/]+\/json/.test(url)) response.writeHead(404).end("{}");
    else if (request.method === "DELETE") response.writeHead(404).end("{}");
    else response.setHeader("content-type", "application/json").end("[]");
  });
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  return { server, pulls };
}

test("an instance whose image never comes is stopped, told as failed and replaced once", {
  timeout: 90_000,
}, async (t) => {
  const { operator } = plane;
  const folder = mkdtempSync(join(tmpdir(), "muster-overdue-"));
  const engine = await stuckEngine(join(folder, "engine.sock"));
  const agent = await startAgent({
    ...readSettings("agent", agentSettings, { argv: [], env: {} }),
    natsUrl: plane.server.url,
    agentId: "real",
    workDir: join(folder, "work"),
    dockerSocket: join(folder, "engine.sock"),
  });
  t.after(async () => {
    await agent.stop({ keepTasks: false });
    engine.server.closeAllConnections();
    engine.server.close();
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  });
  await until(() => operator.cluster.state.kind("ledger").get("real")?.value.gate.open, { what: "its gate" });
  const container = { type: "DOCKER", docker: { image: "slow:1" } };
  await operator.create({ id: "/slow", container, backoffSeconds: 1 });
  const [first] = await until(() => some(operator.placed("/slow")), {
    what: "a place",
  });
  assert.ok(first);
  const instance = `slow.${first.slot}.${first.attempt}`;
  await until(() => verdictOf(instance)?.reason === "pulling", { what: "word of the pull" });
  const [ended] = await until(() => some(historyOf("/slow")), {
    withinMs: 20_000,
    what: "the end of the first",
  });
  assert.deepEqual(
    [ended?.attempt, ended?.state, ended?.reason, ended?.message],
    [first.attempt, "failed", "not-running", "not running after 4 s: pulls the image slow:1"],
  );
  const { backoffs } = operator.cluster.state.kind("wanted").get("slow")?.value ?? {};
  assert.deepEqual(
    backoffs?.map(({ failures }) => failures),
    [1],
  );
  await until(() => operator.placed("/slow").some(({ attempt }) => attempt > first.attempt), { what: "a replacement" });
  assert.equal(operator.wanted("/slow").filter(({ goal }) => goal === "run").length, 1);
  await operator.scale("/slow", 0);
  await until(() => operator.placed("/slow").length === 0, { withinMs: 20_000, what: "the end of it" });
});

test("an instance that its agent never takes on is replaced, and keeps its share until the agent has said that it ended", {
  timeout: 60_000,
}, async () => {
  const { operator } = plane;
  const agent = new SimulatedAgent(operator.cluster.nats, { agent: "deaf", role: "deaf", onLaunch: () => [] });
  await agent.start();
  await until(() => operator.cluster.state.kind("ledger").get("deaf")?.value.gate.open, { what: "its gate" });
  await operator.create({ id: "/deaf", cmd: "x", acceptedResourceRoles: ["deaf"], backoffSeconds: 1 });
  const [first] = await until(() => some(operator.placed("/deaf")), {
    what: "a place",
  });
  const [ended] = await until(() => some(historyOf("/deaf")), {
    withinMs: 20_000,
    what: "the end of the first",
  });
  assert.equal(ended?.attempt, first?.attempt);
  assert.equal(ended?.message, "not running after 4 s: deaf is there and did not take it on");
  await operator.scale("/deaf", 0);
  await until(() => operator.placed("/deaf").length === 0, { withinMs: 20_000, what: "the end of it" });
  await agent.stop();
});

test("an instance that was about to start when its agent fell silent is unreachable and never given up", {
  timeout: 60_000,
}, async () => {
  const { operator } = plane;
  const agent = new SimulatedAgent(operator.cluster.nats, { agent: "gone", role: "gone", onLaunch: () => ["staging"] });
  await agent.start();
  await until(() => operator.cluster.state.kind("ledger").get("gone")?.value.gate.open, { what: "its gate" });
  await operator.create({
    id: "/gone",
    cmd: "x",
    acceptedResourceRoles: ["gone"],
    unreachableStrategy: "disabled",
  });
  const [row] = await until(() => some(operator.placed("/gone")), {
    what: "a place",
  });
  const instance = `gone.${row?.slot}.${row?.attempt}`;
  await until(() => verdictOf(instance)?.level === "staging", { what: "its agent's word" });
  agent.vanish();
  const levels = new Set<string>();
  // By then it was silent for longer than it may take to start, and sweeps have looked at it.
  await until(
    () => {
      levels.add(verdictOf(instance)?.level ?? "none");
      return levels.has("unreachable");
    },
    { withinMs: 20_000, what: "an unreachable agent" },
  );
  assert.deepEqual([...levels], ["staging", "unreachable"]);
  assert.deepEqual(
    operator.wanted("/gone").map(({ attempt, goal }) => [attempt, goal]),
    [[row?.attempt, "run"]],
  );
});
