/** Apps of later steps of a deployment, seen and changed before their turn has come. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { readApp } from "@muster/contracts";
import { Deploying } from "../deployment/testing/deploying.ts";
import { groupTree } from "../groups/info.ts";
import { planApp } from "../plan/plan.ts";
import { sceneOf } from "../plan/scene.ts";
import { appInfo } from "../reports/app-info.ts";
import { decideUpdate } from "./decide.ts";

const DB = { id: "/shop/db", cmd: "db" };
const WEB = { id: "/shop/web", dependencies: ["/shop/db"], cmd: "old", instances: 2, ports: [10_010] };

/** `/shop/db` is changed first and does not come up; `/shop/web` waits for its turn. */
function waiting(web: object, more: readonly object[] = []): { world: Deploying; id: string; v1: number } {
  const world = new Deploying();
  world.agent("n1");
  world.group({ id: "/shop", apps: [DB, WEB] });
  world.settle();
  const v1 = world.app("/shop/web")?.version as number;
  world.now += 60_000;
  world.fates.set(`/shop/db ${world.now}`, "slow");
  const apps = [{ ...DB, cmd: "db2" }, { ...WEB, ...web }, ...more];
  const id = world.group({ id: "/shop", apps }) as string;
  world.settle();
  assert.equal(world.deployment(id).step, 0, "it is at its first step");
  world.now += 60_000;
  return { world, id, v1 };
}

const shown = (world: Deploying, app: string) =>
  appInfo(world.state.snapshot(), world.health.snapshot(), app, { tasks: true, lastTaskFailure: false }) as {
    cmd: string;
    instances: number;
    version: string;
    tasks: { version: string }[];
    deployments: { id: string }[];
    versionInfo: { lastScalingAt: string; lastConfigChangeAt: string };
    tasksRunning: number;
  } | null;
const iso = (at: number): string => new Date(at).toISOString();
const specAt = (world: Deploying, app: string) =>
  world.state
    .snapshot()
    .kind("version")
    .get(`${app.slice(1).replaceAll("/", "_")}.${world.app(app)?.version}`)?.value.spec;

test("an app of a later step is shown as it is to be, with its tasks as they are", () => {
  const { world, id, v1 } = waiting({ cmd: "new", instances: 3 });
  const info = shown(world, "/shop/web");
  const { startedAtMs } = world.deployment(id);
  assert.deepEqual([info?.cmd, info?.instances, info?.version], ["new", 3, iso(startedAtMs)]);
  assert.deepEqual(info?.versionInfo, { lastScalingAt: iso(startedAtMs), lastConfigChangeAt: iso(startedAtMs) });
  assert.deepEqual(info?.deployments, [{ id }]);
  assert.deepEqual(
    info?.tasks.map((task) => task.version),
    [iso(v1), iso(v1)],
  );
  assert.deepEqual(
    [world.app("/shop/web")?.version, world.app("/shop/web")?.instances],
    [v1, 2],
    "it stands as it stood",
  );
  assert.equal(groupTree(world.state.snapshot(), "/shop").version, startedAtMs);
});

test("one that a later step creates is listed without tasks, and one that a later step removes until it is gone", () => {
  const { world } = waiting({}, [{ id: "/shop/api", dependencies: ["/shop/db"], instances: 4, cmd: "api" }]);
  const api = shown(world, "/shop/api");
  assert.deepEqual([api?.instances, api?.tasksRunning, api?.tasks], [4, 0, []]);
  const other = new Deploying();
  other.agent("n1");
  other.group({ id: "/shop", apps: [DB, WEB] });
  other.settle();
  other.removeGroup("/shop");
  const db = shown(other, "/shop/db");
  assert.deepEqual([db?.cmd, db?.instances], ["db", 1]);
  other.settle();
  assert.equal(shown(other, "/shop/db"), null);
});

test("what ended half way is shown as it stands", () => {
  const { world, id, v1 } = waiting({ cmd: "new", instances: 3 });
  world.steer(id, "abort");
  const info = shown(world, "/shop/web");
  assert.deepEqual([info?.cmd, info?.instances, info?.version, info?.deployments], ["old", 2, iso(v1), []]);
});

const patch = (world: Deploying, app: string, fields: Record<string, unknown>, force = true): string | null =>
  world.ask(
    app,
    (view, asked) => {
      // As a gateway merges: the fields over what it is given.
      const rules = {
        mustExist: true,
        read: (current: ReturnType<typeof readApp>["spec"] | null) => {
          assert.ok(current !== null);
          return { spec: { ...current, ...fields } as typeof current, warnings: [] };
        },
      };
      return decideUpdate(view, asked, rules, world.at);
    },
    force,
  );

test("a forced change is merged into what the app is to be, and goes on from where it stands", () => {
  const { world, id } = waiting({ cmd: "new", env: { A: "1" } });
  assert.throws(() => patch(world, "/shop/web", { labels: { a: "b" } }, false), /is being changed by deployment/);
  const next = patch(world, "/shop/web", { labels: { a: "b" } }) as string;
  assert.equal(world.deployment(id).state, "superseded");
  assert.equal(
    world.deployment(next).action,
    "upgrade",
    "its instances are of the old config: a label alone is no label alone",
  );
  world.settle();
  const spec = specAt(world, "/shop/web");
  assert.deepEqual([spec?.cmd, spec?.env, spec?.labels], ["new", { A: "1" }, { a: "b" }]);
  assert.ok(world.placed("/shop/web").every(({ version }) => version === world.app("/shop/web")?.version));
});

test("another number alone, forced, comes with the version that was to come", () => {
  const { world } = waiting({ cmd: "new" });
  const next = world.put("/shop/web", { ...WEB, cmd: "new", instances: 5 }, true) as string;
  assert.deepEqual(
    [world.deployment(next).action, world.deployment(next).fromVersion !== world.app("/shop/web")?.version],
    ["upgrade", true],
  );
  world.settle();
  assert.deepEqual([specAt(world, "/shop/web")?.cmd, world.placed("/shop/web").length], ["new", 5]);
  const { world: second } = waiting({ labels: { only: "labels" } });
  const before = second.placed("/shop/web").map(({ attempt }) => attempt);
  const scaled = second.put("/shop/web", { ...WEB, labels: { only: "labels" }, instances: 1 }, true) as string;
  assert.equal(second.deployment(scaled).action, "update");
  second.settle();
  assert.deepEqual(specAt(second, "/shop/web")?.labels, { only: "labels" });
  assert.ok(
    second.placed("/shop/web").every(({ attempt }) => before.includes(attempt)),
    "nobody restarts",
  );
});

test("asked for what it is to be, nothing changes; asked for what it is, forced, it stays so", () => {
  const { world, id, v1 } = waiting({ cmd: "new" });
  assert.equal(world.put("/shop/web", { ...WEB, cmd: "new" }, true), id);
  assert.equal(world.deployment(id).state, "running");
  assert.throws(() => world.put("/shop/web", WEB), /is being changed by deployment/);
  const before = world.placed("/shop/web");
  const back = world.put("/shop/web", WEB, true) as string;
  assert.equal(world.deployment(back).action, "update", "its instances are good for it");
  world.settle();
  assert.equal(specAt(world, "/shop/web")?.cmd, "old");
  assert.deepEqual(world.placed("/shop/web"), before);
  assert.ok((world.app("/shop/web")?.version ?? 0) > v1);
});

test("an app that a later step removes is kept by asking for it by force", () => {
  const world = new Deploying();
  world.agent("n1");
  world.group({ id: "/shop", apps: [DB, WEB] });
  world.settle();
  const id = world.removeGroup("/shop") as string;
  assert.equal(world.app("/shop/db")?.goal, "run", "its turn has not come");
  assert.throws(() => world.put("/shop/db", DB), /is being changed by deployment/);
  const kept = world.put("/shop/db", DB, true) as string;
  assert.notEqual(kept, id);
  world.settle();
  assert.deepEqual([world.deployment(id).state, world.placed("/shop/db").length], ["superseded", 1]);
});

test("a restart by force restarts with what is to be, and a port that only that had is given back by the next change", () => {
  const { world } = waiting({ cmd: "new", ports: [10_011] });
  world.restart("/shop/web", true);
  world.settle();
  assert.equal(specAt(world, "/shop/web")?.cmd, "new");
  const { world: second } = waiting({ cmd: "new", ports: [10_011] });
  second.put("/shop/web", { ...WEB, cmd: "newer", ports: [10_012] }, true);
  assert.deepEqual([...second.state.snapshot().kind("port").keys()], ["10012"]);
});

test("a plan compares with what the app is to be", () => {
  const { world } = waiting({ cmd: "new" });
  const reading = readApp({ ...WEB, cmd: "newer", cpus: 0.1, mem: 16 });
  const scene = sceneOf(world.state.snapshot(), world.health.snapshot(), "/shop/web");
  const plan = planApp(scene, reading, { force: true }, world.at);
  assert.deepEqual(plan.changes, [{ path: "/cmd", op: "change", old: "new", new: "newer" }]);
});

test("a group in which an app waits for its turn has the version that the app is to have", () => {
  const world = new Deploying();
  world.agent("n1");
  const tree = (cmd: string) => ({
    id: "/shop",
    apps: [{ id: "db", cmd }],
    groups: [{ id: "front", apps: [{ id: "web", cmd, dependencies: ["/shop/db"] }] }],
  });
  world.group(tree("a"));
  world.settle();
  world.now += 60_000;
  world.fates.set(`/shop/db ${world.now}`, "slow");
  const id = world.group(tree("b")) as string;
  world.settle();
  assert.equal(groupTree(world.state.snapshot(), "/shop/front").version, world.deployment(id).startedAtMs);
});
