import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { until } from "@muster/testkit";
import { cpuSeconds, isAlive, residentMib, type StandaloneFolder, standaloneFolder } from "../support/standalone.ts";

type InstanceRow = { id: string; state: string; healthy: boolean | null; pid: number | null; ports: number[] };
let folder: StandaloneFolder;

before(async () => {
  folder = await standaloneFolder();
});
after(() => folder.clean());

async function instances(http: string): Promise<InstanceRow[]> {
  const answer = await fetch(`${http}/v1/instances?app=/hello`);
  return ((await answer.json()) as { instances: InstanceRow[] }).instances;
}

const untilHealthy = (http: string, count: number) =>
  until(
    async () => {
      const rows = await instances(http);
      return rows.length === count && rows.every((row) => row.healthy === true) ? rows : null;
    },
    { withinMs: 30_000, what: `${count} healthy instances` },
  );

test("npm start shows a healthy app, survives kill -9 of its tree with the same tasks, and Ctrl-C leaves nothing behind", async () => {
  const first = await folder.start();
  await first.untilReady();
  assert.match(first.output(), /trace +[0-9a-f]{32}/);
  const before = await untilHealthy(first.http, 2);
  for (const { ports, id } of before)
    assert.equal(await (await fetch(`http://127.0.0.1:${ports[0]}/`)).text(), `hello from ${id}\n`);

  const processes = [...first.processes().values()];
  await first.killTree();
  for (const pid of processes) assert.equal(isAlive(pid), false);
  const pids = before.map((row) => row.pid as number);
  for (const pid of pids) assert.ok(isAlive(pid), "a task outlives its agent");

  const second = await folder.start();
  await second.untilReady();
  const after = await untilHealthy(second.http, 2);
  assert.deepEqual(
    after.map((row) => [row.id, row.pid]),
    before.map((row) => [row.id, row.pid]),
  );

  assert.equal(await second.interrupt(), 0);
  await until(() => pids.every((pid) => !isAlive(pid)), { what: "the end of the tasks" });

  const third = await folder.start();
  await third.untilReady();
  const again = await untilHealthy(third.http, 2);
  assert.ok(
    again.every((row) => !before.some((old) => old.id === row.id)),
    "an ended instance is never started again",
  );
  assert.equal(await third.interrupt(), 0);
});

test("--keep-tasks leaves tasks running when the cluster stops", async () => {
  const one = await folder.start(["--keep-tasks"]);
  await one.untilReady();
  const pids = (await untilHealthy(one.http, 2)).map((row) => row.pid as number);
  assert.equal(await one.interrupt(), 0);
  for (const pid of pids) assert.ok(isAlive(pid));
  const two = await folder.start();
  await two.untilReady();
  assert.deepEqual(
    (await untilHealthy(two.http, 2)).map((row) => row.pid),
    pids,
  );
  assert.equal(await two.interrupt(), 0);
});

test("a nats-server that is killed under npm start comes back by itself, and the tasks never notice", async () => {
  const one = await folder.start();
  await one.untilReady();
  const pids = (await untilHealthy(one.http, 2)).map((row) => row.pid as number);
  process.kill(one.processes().get("nats-server") as number, "SIGKILL");
  const answer = await until(
    async () => {
      const body = JSON.stringify({ id: "/after-crash", cmd: "exec sleep 600", cpus: 0.1, mem: 16 });
      const reply = await fetch(`${one.http}/v2/apps`, { method: "POST", body });
      return reply.status === 201 || reply.status === 409 ? reply : null;
    },
    { withinMs: 30_000, everyMs: 100, what: "a cluster that takes apps again" },
  );
  assert.ok(answer);
  await until(
    async () => {
      const rows = (
        (await (await fetch(`${one.http}/v1/instances?app=/after-crash`)).json()) as { instances: InstanceRow[] }
      ).instances;
      return rows.length === 1 && rows[0]?.state === "running";
    },
    { withinMs: 30_000, what: "the app after the crash" },
  );
  assert.deepEqual(
    (await untilHealthy(one.http, 2)).map((row) => row.pid),
    pids,
  );
  assert.equal(await one.interrupt(), 0);
});

test("an idle cluster of one agent stays under 350 MiB and 3 % of a core", { timeout: 120_000 }, async () => {
  const one = await folder.start();
  await one.untilReady();
  await untilHealthy(one.http, 2);
  const processes = [...one.processes()].filter(([name]) => name !== "nats-server").map(([, pid]) => pid);
  const seconds = () => processes.reduce((sum, pid) => sum + cpuSeconds(pid), 0);
  // The first seconds still hold start-up work; what it costs from then on is measured over ten seconds.
  const settled = performance.now() + 8_000;
  await until(() => performance.now() > settled, { withinMs: 10_000, everyMs: 500 });
  const [before, startedAt] = [seconds(), performance.now()];
  await until(() => performance.now() - startedAt > 10_000, { withinMs: 12_000, everyMs: 500 });
  const share = (seconds() - before) / ((performance.now() - startedAt) / 1_000);
  const mib = processes.reduce((sum, pid) => sum + residentMib(pid), 0);
  assert.ok(mib < 350, `${mib.toFixed(0)} MiB`);
  assert.ok(share < 0.03, `${(share * 100).toFixed(1)} % of a core`);
  assert.equal(await one.interrupt(), 0);
});
