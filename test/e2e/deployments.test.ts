/** Deployments with real processes, as a person sees them: the command line beside the API, and what really runs. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { until } from "@muster/testkit";
import { root, type StandaloneFolder, standaloneFolder } from "../support/standalone.ts";

type Json = Readonly<Record<string, unknown>>;
let folder: StandaloneFolder;
let cluster: Awaited<ReturnType<StandaloneFolder["start"]>>;

before(async () => {
  folder = await standaloneFolder();
  cluster = await folder.start(["--example=none", "--resources=cpus:8;mem:8192"]);
  await cluster.untilReady();
});
after(() => folder.clean());

async function ask(method: string, path: string, body?: unknown): Promise<{ status: number; json: Json }> {
  const answer = await fetch(`${cluster.http}${path}`, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  return { status: answer.status, json: text === "" ? {} : (JSON.parse(text) as Json) };
}

/** The command line as another process. */
function muster(...words: string[]): Promise<{ code: number; out: string }> {
  const main = join(root, "apps/cli/src/main.ts");
  const env = { ...process.env, NATS_URL: cluster.nats, NO_COLOR: "1" };
  return new Promise((resolve) =>
    execFile(process.execPath, [main, ...words], { env, timeout: 60_000 }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), out: `${stdout}${stderr}` }),
    ),
  );
}

const app = (id: string, cmd: string, more: object = {}) => ({
  id,
  cmd,
  cpus: 0.1,
  mem: 16,
  portDefinitions: [],
  ...more,
});
const tasks = async (id: string) => (await ask("GET", `/v2/apps${id}/tasks`)).json.tasks as Json[];
const deployment = async (id: string) => (await ask("GET", `/v1/deployments/${id}`)).json;
const ended = (id: string) =>
  until(async () => ((await deployment(id)).state === "running" ? null : await deployment(id)), {
    withinMs: 30_000,
    what: () => `the end of ${id}`,
  });
async function specFile(name: string, spec: object): Promise<string> {
  const path = join(folder.stateDir, name);
  await writeFile(path, JSON.stringify(spec));
  return path;
}

test("a bad version fails with the last words of its task, goes back by itself, and the old one serves all the time", async () => {
  assert.equal(
    (await muster("deploy", await specFile("good.json", app("/web", "exec sleep 600", { instances: 2 })))).code,
    0,
  );
  const before = (await tasks("/web")).map(({ id }) => id).sort();
  const bad = app("/web", "echo no database >&2; exit 3", {
    instances: 2,
    backoffSeconds: 0.1,
    rollout: { rollbackOnFailure: true },
  });
  const { code, out } = await muster("deploy", await specFile("bad.json", bad));
  assert.equal(code, 1, out);
  assert.match(out, /no database/);
  await until(async () => (((await ask("GET", "/v2/apps/web")).json.app as Json).deployments as Json[]).length === 0, {
    withinMs: 30_000,
    what: "the way back",
  });
  assert.deepEqual((await tasks("/web")).map(({ id }) => id).sort(), before, "the same tasks run as before");
  assert.equal(((await ask("GET", "/v2/apps/web")).json.app as Json).cmd, "exec sleep 600");
  const { json } = await ask("GET", "/v1/deployments?app=/web");
  assert.deepEqual((json.deployments as Json[]).map(({ action, state }) => [action, state]).slice(0, 2), [
    ["rollback", "succeeded"],
    ["upgrade", "failed"],
  ]);
});

test("a canary is watched from a second terminal, promoted, and both see its end", async () => {
  assert.equal(
    (await muster("deploy", await specFile("one.json", app("/site", "exec sleep 601", { instances: 3 })))).code,
    0,
  );
  const canary = app("/site", "exec sleep 602", { instances: 3, rollout: { strategy: "canary" } });
  const first = muster("deploy", await specFile("two.json", canary));
  const running = await until(
    async () => {
      const all = (await ask("GET", "/v1/deployments?app=/site&state=running")).json.deployments as Json[];
      return all[0]?.reachedAtMs == null ? null : String(all[0].id);
    },
    { withinMs: 30_000, what: "the canary" },
  );
  const lines = (await tasks("/site")).map(({ version }) => version);
  assert.equal(new Set(lines).size, 2);
  const second = muster("deploy", "--attach", running);
  assert.equal((await muster("promote", "/site")).code, 0);
  for (const watching of [first, second]) {
    const { code, out } = await watching;
    assert.equal(code, 0, out);
    for (const line of out.trim().split("\n")) assert.doesNotThrow(() => JSON.parse(line), line);
  }
  assert.equal(new Set((await tasks("/site")).map(({ version }) => version)).size, 1);
});

test("a stuck deployment is overtaken by force, and pausing, resuming and aborting work from the command line", async () => {
  const stuck = await ask("PUT", "/v2/apps/stuck", app("/stuck", "exec sleep 600", { cpus: 64 }));
  const id = String(stuck.json.deploymentId);
  const { code, out } = await muster("run", await specFile("small.json", app("/stuck", "exec sleep 600")), "--force");
  assert.equal(code, 0, out);
  assert.equal((await ended(id)).state, "superseded");
  const waiting = await ask("PUT", "/v2/apps/stuck", { cpus: 65 });
  const next = String(waiting.json.deploymentId);
  assert.equal((await muster("pause", next)).code, 0);
  assert.equal((await deployment(next)).isPaused, true);
  assert.equal((await muster("resume", "/stuck")).code, 0);
  assert.equal((await deployment(next)).isPaused, false);
  assert.equal((await muster("abort", next)).code, 0);
  assert.equal((await deployment(next)).state, "aborted");
  assert.equal((await tasks("/stuck")).filter(({ state }) => state === "TASK_RUNNING").length, 1, "the old one serves");
});

test("a change that restarts nothing is reached at once, with more instances as well, and so is every scaling after it", async () => {
  const spec = app("/calm", "exec sleep 600", { instances: 2 });
  assert.equal((await muster("deploy", await specFile("calm.json", spec))).code, 0);
  const before = (await tasks("/calm")).map(({ id }) => id).toSorted();
  const labelled = await specFile("labelled.json", { ...spec, labels: { team: "a" } });
  const more = await specFile("more.json", { ...spec, labels: { team: "b" }, instances: 3 });
  for (const [words, instances] of [
    [["deploy", labelled], 2],
    [["run", more], 3],
    [["scale", "/calm", "4"], 4],
  ] as const) {
    const { code, out } = await muster(...words);
    assert.equal(code, 0, out);
    const now = (await tasks("/calm")).map(({ id }) => id);
    assert.equal(now.length, instances);
    assert.ok(
      before.every((id) => now.includes(id)),
      "nothing restarted",
    );
  }
});

test("tiers of a group start and stop in the order of their dependencies", async () => {
  const tier = (id: string, dependencies: string[] = []) =>
    app(id, `date +%s%N >>${folder.stateDir}/order-${id}; exec sleep 600`, { dependencies });
  const group = { id: "/shop", apps: [tier("web", ["/shop/api"]), tier("api", ["/shop/db"]), tier("db")] };
  const file = await specFile("shop.json", group);
  const planned = await muster("deploy", file, "--dry-run", "-o", "table");
  assert.equal(planned.code, 10, planned.out);
  assert.match(
    planned.out,
    /step 1 of 3\n {2}\w+ \/shop\/db\nstep 2 of 3\n {2}\w+ \/shop\/api\nstep 3 of 3\n {2}\w+ \/shop\/web\n/,
  );
  assert.equal((await ask("GET", "/v2/groups/shop")).status, 404, "nothing was changed");
  const { code, out } = await muster("deploy", file);
  assert.equal(code, 0, out);
  const told = out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  // A look may come after a short step is over.
  const at = told.filter(({ type }) => type === "deployment").map(({ step, steps }) => [step, steps]);
  assert.deepEqual(at, at.toSorted());
  assert.deepEqual(at.at(-1), [3, 3]);
  assert.equal((await muster("deploy", file)).code, 0, "what stands already is no change");
  const startedAt = await Promise.all(
    ["/shop/db", "/shop/api", "/shop/web"].map(async (id) => String((await tasks(id))[0]?.startedAt)),
  );
  assert.deepEqual(startedAt.toSorted(), startedAt, "each tier started after the one it depends on");
  const gone = await ask("DELETE", "/v2/groups/shop");
  const { steps } = await deployment(String(gone.json.deploymentId));
  assert.deepEqual(
    (steps as { actions: { app: string }[] }[]).map(({ actions }) => actions.map((action) => action.app)),
    [["/shop/web"], ["/shop/api"], ["/shop/db"]],
  );
  assert.equal((await ended(String(gone.json.deploymentId))).state, "succeeded");
  assert.equal((await ask("GET", "/v2/groups/shop")).status, 404);
});
