import assert from "node:assert/strict";
import { test } from "node:test";
import { keySubject, LEASES_BUCKET, MusterError } from "@muster/contracts";
import { UsageError } from "./exit.ts";
import { fakeAgent } from "./fake-cluster.ts";
import type { Run } from "./program.ts";
import { commandTests, ndjson } from "./testing/command-tests.ts";
import type { Manner, Outcome } from "./testing/muster.ts";

const at = commandTests();

const muster = async (command: string, args: readonly string[] = [], manner: Manner = {}): Promise<Outcome> =>
  at.muster(((await import(`./commands/${command}.ts`)) as { run: Run }).run, args, manner);

test("run creates an app, tells every change, and ends with what is reached", async () => {
  at.cluster.onDeployment = ({ id, app }) => {
    at.cluster.instance(app, 0, 1, { state: "starting" });
    at.cluster.onceSeen = () => {
      at.cluster.instance(app, 0, 1, { state: "running", healthy: true });
      at.cluster.succeed(id);
    };
  };
  const { code, out, err } = await muster("run", [await at.file("hello.json", '{"id":"hello"}')]);
  assert.equal(code, 0);
  assert.equal(out, "");
  const lines = err.trim().split("\n");
  assert.deepEqual(lines.slice(0, 3), [
    "/hello starting (deployment deployment-1)",
    "● hello.0.1 starting on n1",
    "✓ hello.0.1 healthy on n1",
  ]);
  assert.match(lines[3] ?? "", /^✓ \/hello runs: 1 instance, healthy {2}\d/);
  assert.equal(lines[4], "  deployment deployment-1 · trace 4bf92f3577b34da6a3ce929d0e0e4736");
  assert.match(at.cluster.heard[0]?.traceparent ?? "", /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
  assert.match(at.cluster.heard[0]?.from ?? "", /^muster CLI of .+@.+$/);
});

test("run of an app that exists replaces it", async () => {
  at.cluster.app("/hello", 1);
  const { code } = await muster("run", [await at.file("hello.yaml", "id: hello\ninstances: 2\n")]);
  assert.equal(code, 0);
  assert.deepEqual(
    at.cluster.heard.slice(0, 2).map(({ method, path, body }) => [method, path, body]),
    [
      ["POST", "/v2/apps", '{"id":"hello","instances":2}'],
      ["PUT", "/v2/apps/hello?partialUpdate=false", '{"id":"hello","instances":2}'],
    ],
  );
});

test("run of an app that stands as asked says how it stands", async () => {
  at.cluster.app("/hello", 1);
  at.cluster.intercept = ({ method }) => (method === "PUT" ? { body: { version: "v", deploymentId: "none" } } : null);
  const file = await at.file("hello.json", '{"id":"hello"}');
  const well = await muster("run", [file]);
  assert.deepEqual(well, {
    code: 0,
    out: "",
    err: "✓ nothing to change: all 1 wanted instances run and are healthy\n",
  });
  at.cluster.why = () => ({ status: "delayed", summary: "hello failed 3 times in a row" });
  const ill = await muster("run", [file]);
  assert.deepEqual(ill, { code: 1, out: "", err: "! nothing to change: hello failed 3 times in a row\n" });
});

test("run --detach prints the deployment's id and nothing else", async () => {
  at.cluster.onDeployment = () => undefined;
  const file = await at.file("hello.json", '{"id":"hello"}');
  const plain = await muster("run", [file], { options: { detach: true } });
  assert.deepEqual(plain, { code: 0, out: "deployment-1\n", err: "" });
  const json = await muster("run", [file], { options: { detach: true }, output: "json" });
  assert.deepEqual(ndjson(json.out)[0]?.deployment, "deployment-2");
});

test("run -o json writes one object a line, the verdict last, and nothing on stderr", async () => {
  const { code, out, err } = await muster("run", [await at.file("hello.json", '{"id":"hello"}')], { output: "json" });
  const objects = ndjson(out);
  assert.equal(err, "");
  assert.deepEqual([...new Set(objects.slice(0, -1).map(({ type }) => type))], ["state"]);
  const { type, outcome, exitCode, deployment, trace } = objects.at(-1);
  assert.deepEqual([type, outcome, exitCode, deployment], ["verdict", "succeeded", code, "deployment-1"]);
  assert.equal(trace, "4bf92f3577b34da6a3ce929d0e0e4736");
  for (const { time } of objects) assert.match(time, /^\d{4}-\d\d-\d\dT/);
});

test("run of a file with a mistake shows the line and exits with 2", async () => {
  at.cluster.intercept = ({ method }) =>
    method === "POST"
      ? {
          status: 422,
          body: {
            message: "Object is not valid",
            code: "spec.type",
            details: [{ path: "/cpus", errors: ["expected a number"], line: 2, column: 10 }],
          },
        }
      : null;
  const { code, err } = await muster("run", [await at.file("bad.json", '{"id": "hello",\n "cpus": "x"}')]);
  assert.equal(code, 2);
  assert.match(
    err,
    /✗ .*bad\.json: 1 problem\n {2}2:10 {2}\/cpus {2}expected a number\n {4}2 │ {2}"cpus": "x"\}\n {6}│ {10}\^/,
  );
});

test("run of an app that crashes again and again ends early with reason and output", async () => {
  at.cluster.onDeployment = ({ app }) => {
    for (const attempt of [1, 2, 3]) {
      at.cluster.instance(app, 0, attempt, {
        state: "failed",
        exitCode: 1,
        reason: "exited",
        message: "exited with status 1",
      });
      at.cluster.output.set(`hello.0.${attempt}`, ["Error: no database"]);
    }
  };
  const { code, err } = await muster("run", [await at.file("hello.json", '{"id":"hello"}')]);
  assert.equal(code, 1);
  assert.match(err, /│ Error: no database\n✗ \/hello does not stay up: hello\.0 ended 3 times, exited with status 1/);
  assert.equal(err.match(/no database/g)?.length, 1);
});

test("run that finds no place in time exits with 3, one that only takes long with 4", async () => {
  at.cluster.onDeployment = ({ app }) => void at.cluster.instance(app, 0, 1, { state: "waiting", agent: null });
  at.cluster.why = () => ({ summary: "hello needs 1 more: of 2 agents 2 refused by cpus" });
  const file = await at.file("hello.json", '{"id":"hello"}');
  const stuck = await muster("run", [file], { options: { timeout: 0.3 } });
  assert.equal(stuck.code, 3);
  assert.match(stuck.err, /1 instance not placed after 0\.3 s/);
  at.cluster.onDeployment = ({ app }) => void at.cluster.instance(app, 0, 1, { state: "staging" });
  assert.equal((await muster("run", [file], { options: { timeout: 0.3 } })).code, 4);
});

test("Ctrl-C detaches: the deployment goes on, and it is said how to look", async () => {
  at.cluster.onDeployment = () => undefined;
  const interrupt = new AbortController();
  at.cluster.onceSeen = () => interrupt.abort();
  const file = await at.file("hello.json", '{"id":"hello"}');
  const { code, err } = await muster("run", [file], { signal: interrupt.signal });
  assert.equal(code, 130);
  assert.match(err, /detached.*the deployment goes on/);
  assert.match(err, /muster ps hello/);
});

test("a change of an app that is locked is a conflict", async () => {
  at.cluster.app("/hello", 1);
  at.cluster.intercept = ({ method }) =>
    method === "PATCH"
      ? { status: 409, body: { message: "App is locked", code: "app.locked", deployments: [{ id: "d7" }] } }
      : null;
  await assert.rejects(
    muster("scale", ["hello", "2"]),
    (error) => error instanceof MusterError && error.deployments[0] === "d7",
  );
});

test("plan has an exit code for each answer, and tells programs all of it", async () => {
  const file = await at.file("hello.yaml", "id: hello\n");
  const spots = { first: { places: [], stops: [] }, places: [{ agent: "n1", count: 1 }], stops: [] };
  const about = { app: "/hello", summary: "hello would start", action: "start", version: null, changes: [] };
  const counts = { instances: { from: 0, to: 1 }, replaces: false, keeps: 0, meanwhile: null, unplaced: 0 };
  const rest = { rehearsed: { steps: 1, isWhole: true }, waiting: null, delayedUntilMs: null };
  const warnings = [{ path: "/cpu", message: "is not known", line: 1, column: 1 }];
  for (const [outcome, code] of [
    ["unchanged", 0],
    ["fits", 10],
    ["unplaced", 3],
    ["refused", 5],
  ] as const) {
    const refusal = outcome === "refused" ? { code: "app.locked", message: "a deployment runs" } : null;
    const body = { ...about, ...counts, ...spots, ...rest, outcome, refusal, warnings };
    at.cluster.intercept = ({ path }) => (path === "/v1/plan" ? { body } : null);
    const told = await muster("plan", [file]);
    assert.equal(told.code, code);
    assert.match(told.err, /^! \/cpu: is not known \(line 1, column 1\)\n/);
    assert.equal(told.err.includes("muster run --force"), outcome === "refused");
    const json = await muster("plan", [file], { options: { json: true } });
    assert.deepEqual([json.code, json.err, JSON.parse(json.out)], [code, "", body]);
    assert.equal((await muster("plan", [file], { output: "name" })).out, `${outcome}\n`);
  }
  assert.equal(at.cluster.heard[0]?.body, '{"id":"hello"}');
});

test("scale, stop and restart find an app by the beginning of its name; rm wants all of it", async () => {
  at.cluster.app("/hello", 1);
  assert.match((await muster("scale", ["hel=3"])).err, /\/hello runs: 3 instances/);
  assert.match((await muster("restart", ["hel"])).err, /✓ \/hello/);
  assert.match((await muster("stop", ["hel"])).err, /✓ \/hello is stopped/);
  await assert.rejects(
    muster("rm", ["hel"]),
    (error) => error instanceof UsageError && /if you mean \/hello/.test(error.message),
  );
  assert.match((await muster("rm", ["hello"])).err, /✓ \/hello is gone/);
  assert.equal(at.cluster.apps.size, 0);
});

test("an ambiguous name lists what it fits, an unknown one the nearest", async () => {
  at.cluster.app("/hello", 1);
  at.cluster.app("/hello-world", 1);
  await assert.rejects(muster("ps", ["hel"]), {
    name: "UsageError",
    message: '"hel" fits 2 apps:\n  /hello\n  /hello-world',
  });
  await assert.rejects(muster("ps", ["hallo"]), { code: "app.unknown", message: /did you mean \/hello\?/ });
  assert.equal((await muster("ps", ["hello"])).code, 0);
});

test("lists are tables, JSON, YAML or names, and an empty one leaves stdout empty", async () => {
  assert.deepEqual(await muster("apps"), { code: 0, out: "", err: 'no apps yet: start one with "muster run FILE"\n' });
  assert.deepEqual(await muster("apps", [], { output: "json" }), { code: 0, out: "[]\n", err: "" });
  at.cluster.app("/hello", 1);
  at.cluster.instance("/hello", 0, 12, { healthy: true });
  const table = (await muster("ps")).out.split("\n");
  assert.equal(table[0], "INSTANCE    STATE      AGENT  ADDRESS         AGE  RESTARTS");
  assert.match(table[1] ?? "", /^hello\.0\.12 {2}✓ healthy {2}n1 {5}10\.0\.0\.1:31000 {3}0s {9}0$/);
  assert.equal((await muster("ps", [], { output: "name" })).out, "hello.0.12\n");
  assert.equal(JSON.parse((await muster("ps", [], { output: "json" })).out)[0].id, "hello.0.12");
  assert.match((await muster("ps", [], { output: "yaml" })).out, /^- id: hello\.0\.12\n/);
  assert.match((await muster("agents", [], { output: "wide" })).out, /rack=a/);
});

test("logs prefix lines with their instance, and one instance's lines with nothing", async () => {
  at.cluster.app("/hello", 2);
  at.cluster.instance("/hello", 0, 12);
  at.cluster.instance("/hello", 1, 13, { agent: "n2", state: "failed" });
  at.cluster.output.set("hello.0.12", ["one", "two"]);
  at.cluster.output.set("hello.1.13", ["three"]);
  const all = (await muster("logs", ["hello"])).out.trim().split("\n").sort();
  assert.deepEqual(all, ["hello.0.12 │ one", "hello.0.12 │ two", "hello.1.13 │ three"]);
  assert.equal((await muster("logs", ["hello.0"], { options: { tail: 1 } })).out, "two\n");
  const [line] = ndjson((await muster("logs", ["hello.1.13"], { output: "json" })).out);
  assert.deepEqual(line, { instance: "hello.1.13", agent: "n2", stream: "stderr", line: "three" });
});

test("why shows the sentence and the funnel behind it", async () => {
  at.cluster.app("/hello", 2);
  const now = Date.now();
  at.cluster.why = (app) => ({
    status: "waiting",
    wanted: 2,
    running: 0,
    summary: "hello needs 2 more",
    hold: { app: "/train", version: 1, members: { n7: 1 }, sinceMs: now, untilMs: now + 4_040 },
    waiting: {
      app,
      count: 2,
      sinceMs: now - 92_000,
      decidedAtMs: now - 1_500,
      agentsSeen: 14,
      refusals: [
        { check: "gate", agents: 0, reason: "" },
        { check: "constraints", agents: 11, reason: "rack is a" },
        { check: "cpus", agents: 3, reason: "needs 0.5 cpus, 0.3 free" },
      ],
      nearest: { agent: "n7", lacks: "needs 0.5 cpus, 0.3 free" },
      cures: ["agent.offer", "instance.released"],
      wouldFitIf: ["there were one more agent like n7"],
      follows: [],
      holdFromMs: null,
      wantedRevision: 1,
      trace: null,
    },
  });
  assert.deepEqual((await muster("why", ["hello"])).out.split("\n"), [
    "! waiting  /hello",
    "  hello needs 2 more",
    "",
    "  CHECK         REFUSES  REASON",
    "  constraints  11 of 14  rack is a",
    "  cpus          3 of 14  needs 0.5 cpus, 0.3 free",
    "",
    "  instances     2 wanted, 0 running",
    "  nearest fit   n7: needs 0.5 cpus, 0.3 free",
    "  would fit if  there were one more agent like n7",
    "  held          1 on n7, for /train, for another 4.0s",
    "  waiting       2 instances, for 1m32s",
    "  tried again   when an agent joins or grows or an instance ends",
    "  last tried    1s ago",
    "",
  ]);
});

test("doctor is content with a whole cluster, and says what to do about dead messages and lost agents", async () => {
  const well = await muster("doctor", [], { output: "json" });
  assert.equal(well.code, 0);
  assert.deepEqual([...new Set(JSON.parse(well.out).map(({ level }: { level: string }) => level))], ["ok"]);
  at.cluster.agents.push(
    fakeAgent("n3", { gate: { open: false, reason: "unreachable", sinceMs: 0 }, orphans: ["x.0.1"] }),
  );
  const { graveyard } = await import("@muster/runtime");
  const dead = {
    stream: "MUSTER_SUBMIT",
    consumer: "gateway",
    subject: "muster.submit.app",
    error: "boom",
    body: new Uint8Array(),
  };
  for (const sequence of [1, 2]) await graveyard(at.nats).bury({ ...dead, sequence });
  const { code, out } = await muster("doctor");
  assert.equal(code, 0);
  assert.match(out, /! warn {2}agents .*2 of 3 open/);
  assert.match(out, /! warn {2}orphans[\s\S]*x\.0\.1 on n3/);
  assert.match(out, /! warn {2}dead messages {11}2 messages\n {8}2x muster\.submit\.app: boom \(MUSTER_SUBMIT 2\)/);
});

test("doctor fails where no gateway answers, and still finds who is alive by the leases", async () => {
  at.cluster.stop();
  await at.nats.js.publish(
    keySubject(LEASES_BUCKET, "p1"),
    JSON.stringify({ process: "p1", services: ["deployer"], startedAtMs: 0 }),
  );
  const { code, out } = await muster("doctor");
  assert.equal(code, 1);
  assert.match(out, /✗ fail {2}API .*no gateway does/);
  assert.match(out, /✓ ok {4}services {16}deployer is alive/);
  assert.match(out, /✗ fail {2}placement/);
});
