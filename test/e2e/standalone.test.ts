import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { until } from "@muster/testkit";
import { isAlive, type StandaloneFolder, standaloneFolder } from "../support/standalone.ts";

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
});
