import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { app, end, shop, startAsking } from "../testing/asking.ts";

describe("PUT of a group", () => {
  test("what a given list does not name goes, what no list speaks of stays", async () => {
    const { gateway, ask } = await startAsking();
    await ask("POST", "/v2/groups", { ...shop, apps: [app("cron")] });
    end(gateway);
    const kept = await ask("PUT", "/v2/groups/shop", { dependencies: [] });
    assert.equal(kept.status, 200);
    assert.equal(kept.headers.get("marathon-deployment-id"), null);
    const { json } = await ask("PUT", "/v2/groups/shop?dryRun=TRUE", {
      apps: [],
      groups: [{ id: "db", apps: [app("main", { cmd: "b" })] }],
    });
    assert.deepEqual(json.steps, [
      {
        actions: [
          { action: "StopApplication", app: "/shop/cron" },
          { action: "StopApplication", app: "/shop/web/front" },
        ],
      },
      { actions: [{ action: "RestartApplication", app: "/shop/db/main" }] },
    ]);
    assert.equal(((await ask("GET", "/v2/deployments")).json as unknown as unknown[]).length, 0, "nothing was changed");
  });

  test("scaleBy multiplies and rounds up; what has no number of instances is refused", async () => {
    const { gateway, ask } = await startAsking();
    await ask("POST", "/v2/groups", { id: "/s", apps: [app("a", { instances: 10 }), app("b", { instances: 3 })] });
    end(gateway);
    await ask("PUT", "/v2/groups/s", { scaleBy: 1.1 });
    const actions = [...gateway.state.kind("deployment").values()].at(-1)?.value.steps.flatMap((step) => step.actions);
    assert.deepEqual(
      actions?.map(({ app: id, action, to }) => [id, action, to?.instances]),
      [
        ["/s/a", "scale", 11],
        ["/s/b", "scale", 4],
      ],
    );
    end(gateway);
    await ask("POST", "/v2/apps", app("/s/everywhere", { placement: { global: true } }));
    end(gateway);
    const { status, json } = await ask("PUT", "/v2/groups/s", { scaleBy: 2 });
    assert.deepEqual([status, /one instance on every agent/.test(json.message)], [422, true], json.message);
    assert.equal((await ask("PUT", "/v2/groups/none", { scaleBy: 2 })).status, 404);
  });

  test("a version brings back what was removed, with the specs it had", async () => {
    const { gateway, ask } = await startAsking();
    const first = (await ask("POST", "/v2/groups", shop)).json.version;
    end(gateway);
    const second = (await ask("PUT", "/v2/groups/shop", { groups: [{ id: "db", apps: [app("main", { cmd: "b" })] }] }))
      .json.version;
    end(gateway);
    assert.deepEqual((await ask("GET", "/v2/groups/shop/versions")).json as unknown, [second, first]);
    const past = (await ask("GET", `/v2/groups/shop/versions/${first}`)).json;
    assert.deepEqual(
      past.groups.map(({ apps }) => apps.map(({ id, cmd, instances }) => [id, cmd, instances])),
      [[["/shop/db/main", "sleep 9", 1]], [["/shop/web/front", "sleep 9", 2]]],
    );
    const { status, json } = await ask("PUT", "/v2/groups/shop", { version: first });
    assert.equal(status, 200, json.message);
    end(gateway);
    const now = (await ask("GET", "/v2/groups/shop")).json;
    assert.deepEqual(
      now.groups.map(({ id, dependencies, apps }) => [id, dependencies, apps.map(({ cmd }) => cmd)]),
      [
        ["/shop/db", [], ["sleep 9"]],
        ["/shop/web", ["/shop/db"], ["sleep 9"]],
      ],
    );
    const nowhere = await ask("PUT", "/v2/groups/shop", { version: "2001-01-01T00:00:00.000Z" });
    assert.deepEqual(
      [nowhere.status, nowhere.json.message],
      [404, "Group '/shop' does not exist in version 2001-01-01T00:00:00.000Z"],
    );
  });

  test("a lock names every deployment in the way, and force ends each of them whole", async () => {
    const { gateway, ask } = await startAsking();
    await ask("POST", "/v2/groups", shop);
    end(gateway);
    const one = (await ask("PUT", "/v2/apps/shop/db/main", { cmd: "b" })).json.deploymentId;
    const two = (await ask("PUT", "/v2/groups/shop/web", { apps: [app("front", { cmd: "b" })] })).json.deploymentId;
    const refused = await ask("PUT", "/v2/groups/shop", { scaleBy: 2 });
    assert.equal(refused.status, 409);
    assert.match(refused.json.message, /\?force=true/);
    assert.deepEqual(
      refused.json.deployments.map(({ id }) => id),
      [one, two].sort(),
    );
    const { status, json } = await ask("PUT", "/v2/groups/shop?force=True", { scaleBy: 2 });
    assert.equal(status, 200, json.message);
    const state = (id: string) => gateway.state.kind("deployment").get(id)?.value.state;
    assert.deepEqual([state(one), state(two), state(json.deploymentId)], ["superseded", "superseded", "running"]);
  });
});

describe("PATCH and DELETE of groups", () => {
  test("a role is kept for groups right below the root, without a deployment", async () => {
    const { ask } = await startAsking();
    await ask("POST", "/v2/groups", shop);
    assert.equal((await ask("PATCH", "/v2/groups/shop", { enforceRole: true })).status, 200);
    assert.equal((await ask("GET", "/v2/groups/shop")).json.enforceRole, true);
    assert.equal((await ask("PATCH", "/v2/groups/shop/web", { enforceRole: true })).status, 422);
    assert.equal((await ask("PATCH", "/v2/groups/none", { enforceRole: true })).status, 404);
  });

  test("the root clears everything, whoever depends on something first", async () => {
    const { gateway, ask } = await startAsking();
    await ask("POST", "/v2/groups", shop);
    await ask("POST", "/v2/apps", app("/cron"));
    assert.equal((await ask("DELETE", "/v2/groups")).status, 409);
    const { status, json } = await ask("DELETE", "/v2/groups?force=true");
    assert.equal(status, 200, json.message);
    const steps = gateway.state.kind("deployment").get(json.deploymentId)?.value.steps;
    assert.deepEqual(
      steps?.map(({ actions }) => actions.map(({ app: id }) => id)),
      [["/shop/web/front"], ["/cron", "/shop/db/main"]],
    );
    end(gateway);
    const root = (await ask("GET", "/v2/groups")).json;
    assert.deepEqual([root.apps, root.groups], [[], []]);
    assert.equal((await ask("DELETE", "/v2/groups/shop")).status, 404);
  });
});

describe("lists of apps", () => {
  test("PUT changes some, creates others, and is one deployment", async () => {
    const { gateway, ask } = await startAsking();
    await ask("POST", "/v2/apps", app("/a", { instances: 3 }));
    end(gateway);
    const { status, json } = await ask("PUT", "/v2/apps", [
      { id: "/a", cmd: "b" },
      app("/b", { dependencies: ["/a"] }),
    ]);
    assert.equal(status, 200, json.message);
    const steps = gateway.state.kind("deployment").get(json.deploymentId)?.value.steps;
    assert.deepEqual(
      steps?.map(({ actions }) => actions.map(({ app: id, action, to }) => [id, action, to?.instances])),
      [[["/a", "upgrade", 3]], [["/b", "start", 1]]],
    );
  });

  test("whole apps lose what is not sent", async () => {
    const { gateway, ask } = await startAsking();
    await ask("POST", "/v2/apps", app("/a", { instances: 3 }));
    end(gateway);
    const { json } = await ask("PUT", "/v2/apps?partialUpdate=false", [{ id: "/a", cmd: "b" }]);
    assert.equal(gateway.state.kind("deployment").get(json.deploymentId)?.value.steps[0]?.actions[0]?.to?.instances, 1);
  });

  test("PATCH changes nothing where one is unknown", async () => {
    const { gateway, ask } = await startAsking();
    await ask("POST", "/v2/apps", app("/a"));
    end(gateway);
    const { status, json } = await ask("PATCH", "/v2/apps", [
      { id: "/a", cmd: "b" },
      { id: "/zz", cmd: "b" },
    ]);
    assert.deepEqual([status, json.message], [404, "App '/zz' does not exist"]);
    assert.equal(gateway.state.kind("app").get("a")?.value.deployment, null);
    assert.equal((await ask("PATCH", "/v2/apps", [{ id: "/a", cmd: "b" }])).status, 200);
  });

  test("problems are told with the place in the list, all at once", async () => {
    const { ask } = await startAsking();
    const { status, json } = await ask("PUT", "/v2/apps", [
      app("/a"),
      app("/b", { cpus: -1 }),
      app("/a"),
      app("/c", { mem: "x" }),
    ]);
    assert.equal(status, 422);
    assert.deepEqual(
      json.details.map(({ path }) => path),
      ["(1)/cpus", "(2)/id", "(3)/mem"],
    );
    const object = await ask("PUT", "/v2/apps", {});
    assert.deepEqual([object.status, object.json.code], [422, "spec.type"]);
  });
});
