/** `muster deploy` and `muster plan` of groups, lists, folders: one deployment, one picture, errors file by file. */
import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import type { DeploymentDocument } from "@muster/contracts";
import { FakeTerminal } from "@muster/terminal/fake-terminal";
import { until } from "@muster/testkit";
import { run as deploy } from "./commands/deploy.ts";
import { run as plan } from "./commands/plan.ts";
import { run as rm } from "./commands/rm.ts";
import { pause } from "./commands/steer.ts";
import { commandTests } from "./testing/command-tests.ts";

const at = commandTests();

const SHOP = `id: /shop
apps:
  - id: web
    cmd: sleep 9
    dependencies: [db]
  - id: db
    cmd: sleep 9
`;
const step = (app: string): DeploymentDocument["steps"][number] => ({
  actions: [{ app, action: "start", from: null, to: { version: 1, instances: 1 }, isStaged: false }],
});
/** Answers every change of several apps by one deployment of `/shop/db` and then `/shop/web`, and keeps what was sent. */
function takeMany(): { method: string; path: string; body: string | null }[] {
  const sent: { method: string; path: string; body: string | null }[] = [];
  at.cluster.intercept = ({ method, path, body }) => {
    if (method !== "PUT" || !/^\/v2\/(groups|apps)(\?|$)/.test(path)) return null;
    sent.push({ method, path, body });
    const steps = [step("/shop/db"), step("/shop/web")];
    at.cluster.deployment("d1", "/shop/db", {
      action: "group",
      group: path.startsWith("/v2/groups") ? "/shop" : null,
      steps,
      startedAtMs: Date.now() - 60_000,
    });
    return {
      headers: { "Marathon-Deployment-Id": "d1" },
      body: { version: "2026-11-20T12:00:00.000Z", deploymentId: "d1" },
    };
  };
  return sent;
}
function stands(): void {
  for (const app of ["/shop/db", "/shop/web"]) at.cluster.instance(app, 0, 1, { version: 1 });
  at.cluster.deployment("d1", "/shop/db", { step: 1 });
  at.cluster.succeed("d1");
}

test("a group is one deployment, with a line for each instance of its apps, those that fail first, and its steps", async () => {
  const sent = takeMany();
  for (let slot = 0; slot < 8; slot += 1) at.cluster.instance("/shop/db", slot, 1, { version: 1 });
  at.cluster.instance("/shop/web", 0, 1, {
    version: 1,
    state: "failed",
    exitCode: 1,
    reason: "exited",
    message: "exited with status 1",
  });
  at.cluster.instance("/shop/web", 0, 2, { version: 1, state: "starting" });
  const terminal = new FakeTerminal({ columns: 110, rows: 10 });
  const ended = at.muster(deploy, [await at.file("shop.yaml", SHOP)], { terminal, options: { force: true } });
  await until(() => terminal.screen().some((line) => line.includes("step 1 of 2")), {
    what: () => terminal.screen().join("\n"),
  });
  const picture = terminal.screen();
  assert.match(picture.find((line) => line.includes("/shop (")) ?? "", /\/shop \(2 apps\) {2}changing → 2/);
  const [first] = picture.filter((line) => /\bshop_(db|web)\./.test(line));
  assert.match(first ?? "", /shop_web\.0\.2 .*before: exited with status 1/);
  assert.ok(
    picture.some((line) => /\+\d more/.test(line)),
    picture.join("\n"),
  );
  at.cluster.instances.clear();
  stands();
  assert.equal((await ended).code, 0);
  assert.match(terminal.screen().join("\n"), /✓ \/shop \(2 apps\) runs: 2 instances/);
  assert.deepEqual(
    sent.map(({ path }) => path),
    ["/v2/groups?force=true"],
  );
  assert.equal(JSON.parse(sent[0]?.body ?? "").apps.length, 2);
});

test("files, lists and folders become one list of apps and one deployment; off a terminal it is told as NDJSON", async () => {
  const sent = takeMany();
  stands();
  at.cluster.onDeployment = () => undefined;
  await mkdir(join(at.folder, "apps"));
  await at.file("apps/b.yaml", "id: /shop/db\ncmd: sleep 9\n");
  await at.file("apps/a.json", '[{"id": "/shop/web", "cmd": "sleep 9"}]');
  await at.file("apps/README.md", "not an app");
  const more = await at.file("more.yml", "- id: /more\n  cmd: sleep 9\n");
  const running = at.muster(deploy, [join(at.folder, "apps"), more]);
  await until(() => sent.length === 1);
  at.cluster.succeed("d1");
  const { code, out } = await running;
  assert.equal(code, 0);
  assert.equal(sent[0]?.path, "/v2/apps?partialUpdate=false");
  assert.deepEqual(
    JSON.parse(sent[0]?.body ?? "").map(({ id }: { id: string }) => id),
    ["/shop/web", "/shop/db", "/more"],
  );
  const all = out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  assert.deepEqual(new Set(all.map(({ type }) => type)), new Set(["plan", "deployment", "instance", "verdict"]));
  assert.deepEqual([all.at(-1).outcome, all.at(-1).deployment], ["succeeded", "d1"]);
});

test("a refusal is told of the file it is about, with its line and column there", async () => {
  at.cluster.intercept = ({ method }) =>
    method === "PUT"
      ? {
          status: 422,
          body: {
            message: "(0)/cpus: expected a number; and 1 more of the list have problems",
            code: "spec.type",
            details: [
              { path: "(0)/cpus", errors: ["expected a number"], line: 1, column: 40 },
              { path: "(2)/mem", errors: ["expected 4 or more"], line: 1, column: 90 },
            ],
          },
        }
      : null;
  const a = await at.file("a.json", '{\n  "id": "/a",\n  "cpus": "many"\n}');
  const b = await at.file("b.yaml", "- id: /b\n- id: /c\n  mem: 1\n");
  const { code, err } = await at.muster(deploy, [a, b]);
  assert.equal(code, 2);
  assert.match(err, new RegExp(`${a}: 1 problem\\n  3:11  /cpus  expected a number`));
  assert.match(err, new RegExp(`${b}: 1 problem\\n  3:8  \\(1\\)/mem  expected 4 or more`));
});

test("each file that cannot be read is told, and nothing is sent", async () => {
  const sent = takeMany();
  const bad = await at.file("bad.json", '{"id": "/a"\n "cmd": "x"}');
  const worse = await at.file("worse.yaml", "id: [\n");
  const { code, err } = await at.muster(deploy, [bad, worse, await at.file("good.json", '{"id":"/g"}')]);
  assert.equal(code, 2);
  assert.match(err, /bad\.json: .*line 2/s);
  assert.match(err, /worse\.yaml: /);
  assert.deepEqual(sent, []);
});

test("what cannot be meant is refused with what to do", async () => {
  const sent = takeMany();
  const group = await at.file("shop.yaml", SHOP);
  const refusal = async (files: string[]) => (await at.muster(deploy, files)).err;
  assert.match(await refusal([await at.file("none.json", '{"groups": []}')]), /none\.json: a group needs an id/);
  assert.match(
    await refusal([group, await at.file("a.json", '{"id":"/a"}')]),
    /shop\.yaml is a group: .* deployed alone/,
  );
  await assert.rejects(at.muster(deploy, ["-", "-"]), /stdin/);
  await mkdir(join(at.folder, "empty"));
  await assert.rejects(at.muster(deploy, [join(at.folder, "empty")]), /holds no \.json, \.yaml or \.yml/);
  assert.deepEqual(sent, []);
});

test("plan and --dry-run tell the steps of a group, and ask for nothing else", async () => {
  let steps: object[] = [
    { actions: [{ action: "StartApplication", app: "/shop/db" }] },
    { actions: [{ action: "RestartApplication", app: "/shop/web" }] },
  ];
  const asked: string[] = [];
  at.cluster.intercept = ({ method, path }) => {
    asked.push(`${method} ${path}`);
    return { body: { steps } };
  };
  const group = await at.file("shop.yaml", SHOP);
  const { code, out } = await at.muster(plan, [group]);
  assert.equal(code, 10);
  assert.equal(out, "step 1 of 2\n  start /shop/db\nstep 2 of 2\n  replace the instances of /shop/web\n");
  assert.equal((await at.muster(deploy, [group], { options: { dryRun: true } })).out, out);
  steps = [];
  const nothing = await at.muster(plan, [group], { options: { json: true } });
  assert.deepEqual([nothing.code, JSON.parse(nothing.out)], [0, { steps: [] }]);
  assert.deepEqual(new Set(asked), new Set(["PUT /v2/groups?dryRun=true"]));
});

test("plan and --dry-run tell the steps of a list, and of several files, and ask for nothing else", async () => {
  const asked: string[] = [];
  at.cluster.intercept = ({ method, path, body }) => {
    asked.push(`${method} ${path} ${body}`);
    return { body: { steps: [{ actions: [{ action: "StartApplication", app: "/a" }] }] } };
  };
  const [a, b] = [await at.file("a.json", '{"id":"/a"}'), await at.file("b.json", '{"id":"/b"}')];
  const list = await at.file("list.json", '[{"id":"/a"},{"id":"/b"}]');
  const { code, out } = await at.muster(plan, [a, b]);
  assert.deepEqual([code, out], [10, "step 1 of 1\n  start /a\n"]);
  assert.equal((await at.muster(deploy, [list], { options: { dryRun: true } })).out, out);
  await at.muster(plan, [list], { options: { force: true } });
  const body = '[{"id":"/a"},{"id":"/b"}]';
  assert.deepEqual(asked, [`POST /v1/plan ${body}`, `POST /v1/plan ${body}`, `POST /v1/plan?force=true ${body}`]);
});

test("a group that stands as asked is told so, without a question about one app", async () => {
  at.cluster.intercept = ({ method }) =>
    method === "PUT" ? { body: { version: "2026-11-20T12:00:00.000Z", deploymentId: "x" } } : null;
  const { code, out } = await at.muster(deploy, [await at.file("shop.yaml", SHOP)]);
  assert.equal(code, 0);
  assert.deepEqual([JSON.parse(out).outcome, JSON.parse(out).why], ["unchanged", null]);
  assert.ok(at.cluster.heard.every(({ path }) => !path.startsWith("/v1/why")));
});

test("rm of a group's whole name removes all that stands in it; words reach its running deployment by that name", async () => {
  for (const app of ["/shop/db", "/shop/web"]) at.cluster.app(app, 1);
  const gone = (app: string): DeploymentDocument["steps"][number] => ({
    actions: [{ app, action: "delete", from: { version: 1, instances: 1 }, to: null, isStaged: false }],
  });
  at.cluster.intercept = ({ method, path }) => {
    if (method !== "DELETE" || path !== "/v2/groups/shop") return null;
    const steps = [gone("/shop/web"), gone("/shop/db")];
    at.cluster.deployment("d1", "/shop/web", { action: "group", group: "/shop", steps });
    at.cluster.apps.clear();
    at.cluster.succeed("d1");
    return {
      headers: { "Marathon-Deployment-Id": "d1" },
      body: { version: "2026-11-20T12:00:00.000Z", deploymentId: "d1" },
    };
  };
  const { code, err } = await at.muster(rm, ["shop"]);
  assert.deepEqual([code, /✓ \/shop \(2 apps\) is gone/.test(err)], [0, true], err);
  at.cluster.app("/shop/web", 1);
  await assert.rejects(at.muster(rm, ["sho"]), /there is no app "sho": if you mean \/shop\/web, give its whole name/);
  at.cluster.deployment("d2", "/shop/web", { action: "group", group: "/shop", steps: [step("/shop/web")] });
  const paused = await at.muster(pause, ["shop"]);
  assert.equal(paused.code, 0, paused.err);
  assert.equal(at.cluster.deployments.get("d2")?.isPaused, true);
});
