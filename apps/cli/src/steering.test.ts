import assert from "node:assert/strict";
import { test } from "node:test";
import { run as deployments } from "./commands/deployments.ts";
import { run as diff } from "./commands/diff.ts";
import { run as history } from "./commands/history.ts";
import { run as kill } from "./commands/kill.ts";
import { run as ps } from "./commands/ps.ts";
import { run as queue } from "./commands/queue.ts";
import { abort, pause, promote, resume } from "./commands/steer.ts";
import { commandTests } from "./testing/command-tests.ts";

const at = commandTests();

const V1 = "2026-11-20T12:00:00.000Z";
const V2 = "2026-11-20T13:00:00.000Z";
const ago = (seconds: number) => Date.now() - seconds * 1_000;

test("pause, resume, promote and abort find a deployment by its app, its id or the beginning of it, and say what follows", async () => {
  at.cluster.app("/hello", 1);
  at.cluster.deployment("6c069270-d544", "/hello");
  const of = () => at.cluster.deployments.get("6c069270-d544");
  assert.match(
    (await at.muster(pause, ["hello"])).err,
    /✓ \/hello stays as it stands until `muster resume 6c069270-d544`/,
  );
  assert.equal(of()?.isPaused, true);
  assert.match((await at.muster(resume, ["6c06"])).err, /✓ \/hello goes on: /);
  assert.equal(of()?.isPaused, false);
  const told = await at.muster(promote, ["6c069270-d544"], { output: "json" });
  assert.deepEqual(JSON.parse(told.out), {
    app: "/hello",
    deployment: "6c069270-d544",
    action: "promote",
    running: "6c069270-d544",
  });
  assert.equal(of()?.isPromoted, true);
  assert.deepEqual(await at.muster(abort, ["hel"], { output: "name" }), { code: 0, out: "6c069270-d544\n", err: "" });
  assert.equal(of()?.state, "aborted");
  await assert.rejects(at.muster(abort, ["6c06"]), { code: "deployment.ended" });
  await assert.rejects(at.muster(pause, ["hello"]), /no deployment of \/hello is running/);
});

test("deployments lists who, from where, how far and how they came out, newest first", async () => {
  at.cluster.app("/hello", 1);
  at.cluster.app("/web", 1);
  at.cluster.deployment("d1", "/hello", {
    state: "failed",
    startedAtMs: ago(300),
    endedAtMs: ago(200),
    message: "3 instances failed; its last words on stderr:\nno database",
    by: { who: "http", from: "127.0.0.1:5" },
  });
  at.cluster.deployment("d2", "/web", { startedAtMs: ago(30), stage: 1, isPaused: true });
  assert.deepEqual((await at.muster(deployments)).out.trimEnd().split("\n"), [
    "DEPLOYMENT  APPS    ACTION   STEP          STATE     STARTED   TOOK  WHO               MESSAGE",
    "d2          /web    upgrade  1/1, stage 2  ! paused      30s    30s  test",
    "d1          /hello  upgrade  1/1           ✗ failed    5m00s  1m40s  http 127.0.0.1:5  3 instances failed",
  ]);
  assert.equal((await at.muster(deployments, ["hello"], { output: "name" })).out, "d1\n");
  assert.equal((await at.muster(deployments, [], { output: "name", options: { running: true } })).out, "d2\n");
  assert.equal(
    (await at.muster(deployments, ["hello"], { options: { running: true } })).err,
    "no deployment of /hello is running\n",
  );
});

test("deployments of an app that was removed are told by its whole name, as long as any is remembered", async () => {
  at.cluster.app("/bg-worker", 1);
  at.cluster.deployment("d1", "/bg", { state: "succeeded", startedAtMs: ago(60), endedAtMs: ago(50) });
  for (const text of ["bg-w", "bg-worker"])
    assert.match((await at.muster(deployments, [text])).err, /^no deployment of \/bg-worker in the last days/);
  at.cluster.apps.clear();
  const names = async (text: string) => (await at.muster(deployments, [text], { output: "name" })).out;
  assert.deepEqual([await names("bg"), await names("/bg")], ["d1\n", "d1\n"]);
  const { code, err } = await at.muster(deployments, ["bg"], { options: { running: true } });
  assert.deepEqual([code, err], [0, "no deployment of /bg is running\n"]);
  for (const text of ["b", "bgx", "Not an app"])
    await assert.rejects(at.muster(deployments, [text]), { code: "app.unknown" }, text);
});

test("history joins versions and deployments, and points at the version the app stands at", async () => {
  at.cluster.app("/hello", 1);
  for (const version of [V1, V2]) at.cluster.version("/hello", version, {});
  at.cluster.deployment("d2", "/hello", { state: "failed", startedAtMs: ago(60), endedAtMs: ago(50), message: "no" });
  at.cluster.deployment("d3", "/hello", { state: "succeeded", startedAtMs: ago(40), endedAtMs: ago(39) });
  const lines = (await at.muster(history, ["hello"])).out.trimEnd().split("\n");
  assert.deepEqual(lines.slice(1), [
    `→  ${V2}  upgrade  ✓ succeeded      40s  1.0s  d3          test`,
    `   ${V2}  upgrade  ✗ failed       1m00s   10s  d2          test  no`,
    `   ${V1}                                   `.trimEnd(),
  ]);
  const rows = JSON.parse((await at.muster(history, ["hello"], { output: "json" })).out);
  assert.deepEqual(
    rows.map((row: { version: string; isCurrent: boolean }) => [row.version, row.isCurrent]),
    [
      [V2, true],
      [V2, false],
      [V1, false],
    ],
  );
});

test("diff shows what a version says otherwise than the one before, or any other", async () => {
  at.cluster.app("/hello", 1);
  const env = { LEVEL: "info", OLD: "1" };
  at.cluster.version("/hello", V1, { cmd: "a", instances: 1, env, constraints: [["rack", "UNIQUE"]] });
  at.cluster.version("/hello", V2, {
    cmd: "a",
    instances: 2,
    env: { LEVEL: "debug", NEW: "1" },
    constraints: [["rack", "GROUP_BY"]],
  });
  const { code, out, err } = await at.muster(diff, ["hello"]);
  assert.deepEqual([code, err], [0, `/hello ${V1} → ${V2}\n`]);
  assert.deepEqual(out.trimEnd().split("\n"), [
    "  ~ /constraints(0)(1)  UNIQUE → GROUP_BY",
    "  ~ /env/LEVEL          info → debug",
    "  + /env/NEW            1",
    "  - /env/OLD            1",
    "  ~ /instances          1 → 2",
  ]);
  const back = JSON.parse((await at.muster(diff, ["hello"], { output: "json", options: { from: V2, to: V1 } })).out);
  assert.deepEqual(
    [back.from, back.to, back.changes.at(-1)],
    [V2, V1, { path: "/instances", op: "change", old: 2, new: 1 }],
  );
  assert.match((await at.muster(diff, ["hello"], { options: { from: V2 } })).err, /no difference/);
  await assert.rejects(at.muster(diff, ["hello"], { options: { to: V1 } }), /no earlier version/);
});

const crashed = { state: "failed", exitCode: 1, reason: "exited", message: "exited with status 1" } as const;

test("ps counts restarts, tells the last failure and shows what flaps; a slot that is held back is there too", async () => {
  at.cluster.app("/hello", 3);
  at.cluster.instance("/hello", 0, 1, { ...crashed, sinceMs: ago(5_000) });
  at.cluster.instance("/hello", 0, 4, { ports: [], sinceMs: ago(120) });
  for (const attempt of [2, 5, 6])
    at.cluster.instance("/hello", 1, attempt, { ...crashed, sinceMs: ago(100 - attempt), ports: [] });
  at.cluster.instance("/hello", 1, 7, { state: "starting", ports: [] });
  at.cluster.instance("/hello", 2, 3, { ...crashed, sinceMs: ago(40), ports: [] });
  at.cluster.instance("/hello", 5, 8, { ...crashed, sinceMs: ago(900), ports: [] });
  assert.deepEqual((await at.muster(ps, ["hello"])).out.trimEnd().split("\n"), [
    "INSTANCE   STATE       AGENT    AGE      RESTARTS  LAST FAILURE",
    "hello.0.4  ✓ running   n1     2m00s             1  1h23m ago: exited with status 1",
    "hello.1.7  ● starting  n1        0s  ! flapping 3  1m34s ago: exited with status 1",
    "hello.2.3  ✗ failed    n1       40s             0  40s ago: exited with status 1",
  ]);
  const rows = JSON.parse((await at.muster(ps, ["hello"], { output: "json" })).out);
  assert.deepEqual(
    rows.map((row: { id: string; restarts: number; isFlapping: boolean }) => [row.id, row.restarts, row.isFlapping]),
    [
      ["hello.0.4", 1, false],
      ["hello.1.7", 3, true],
    ],
  );
  at.cluster.app("/hello", 0);
  assert.ok(!(await at.muster(ps, ["hello"])).out.includes("hello.2.3"), "an app that is to have none lacks none");
});

test("queue tells how many wait, until when, and which checks refuse", async () => {
  assert.equal((await at.muster(queue)).err, "nothing waits\n");
  const reject = (reason: string, declined: number, processed: number) => ({ reason, declined, processed });
  at.cluster.queue.push(
    { app: { id: "/web" }, count: 1, delay: { timeLeftSeconds: 90, overdue: false } },
    {
      app: { id: "/hello" },
      count: 2,
      since: new Date(ago(60)).toISOString(),
      delay: { timeLeftSeconds: 0, overdue: true },
      processedOffersSummary: {
        rejectSummaryLastOffers: [
          reject("UnfulfilledConstraint", 3, 14),
          reject("InsufficientCpus", 11, 11),
          reject("InsufficientMemory", 0, 0),
        ],
      },
    },
  );
  const lines = (await at.muster(queue)).out.trimEnd().split("\n");
  assert.match(lines[1] ?? "", /^\/hello +2 +1m00s +now +InsufficientCpus 11 of 14, UnfulfilledConstraint 3 of 14$/);
  assert.match(lines[2] ?? "", /^\/web +1 +in 1m30s, at \d\d:\d\d:\d\d +nobody$/);
});

test("kill ends one instance; with --scale the app has one fewer, which is watched", async () => {
  at.cluster.app("/hello", 2);
  at.cluster.instance("/hello", 0, 1);
  at.cluster.instance("/hello", 1, 2);
  assert.match(
    (await at.muster(kill, ["hello.1"])).err,
    /✓ hello\.1\.2 is being stopped, and another will take its place/,
  );
  assert.equal(at.cluster.heard.at(-1)?.path, "/v2/apps/hello/tasks/hello.1.2");
  assert.match((await at.muster(kill, ["hello.0.1"], { options: { scale: true } })).err, /✓ \/hello runs: 1 instance/);
  assert.ok(at.cluster.heard.some(({ path }) => path === "/v2/apps/hello/tasks/hello.0.1?scale=true"));
  await assert.rejects(at.muster(kill, ["hello"]), /is an app: name one of its instances/);
});
