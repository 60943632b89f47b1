import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type App, app, shop, startAsking } from "../testing/asking.ts";

describe("GET of groups", () => {
  test("the root is there when nothing is, and has all that stands in it", async () => {
    const { gateway, ask } = await startAsking();
    const empty = await ask("GET", "/v2/groups");
    assert.deepEqual(
      [empty.status, empty.json],
      [200, { id: "/", dependencies: [], version: "1970-01-01T00:00:00.000Z", pods: [], apps: [], groups: [] }],
    );
    await ask("POST", "/v2/apps", app("/prod/web/front"));
    await ask("POST", "/v2/apps", app("/cron"));
    const { json } = await ask("GET", "/v2/groups");
    assert.deepEqual(
      json.apps.map(({ id }) => id),
      ["/cron"],
    );
    assert.deepEqual(
      json.groups[0]?.groups[0]?.apps.map(({ id }) => id),
      ["/prod/web/front"],
    );
    assert.equal(gateway.state.kind("path").get("prod_web")?.value.kind, "group");
  });

  test("a group has what is embedded, everything when nothing is named", async () => {
    const { ask } = await startAsking();
    await ask("POST", "/v2/groups", shop);
    const all = (await ask("GET", "/v2/groups/shop")).json;
    assert.deepEqual(
      all.groups.map(({ id, dependencies, apps }) => [id, dependencies, apps.map((each) => each.id)]),
      [
        ["/shop/db", [], ["/shop/db/main"]],
        ["/shop/web", ["/shop/db"], ["/shop/web/front"]],
      ],
    );
    const bare = (await ask("GET", "/v2/groups/shop?embed=group.pods")).json;
    assert.deepEqual(Object.keys(bare).sort(), ["dependencies", "id", "pods", "version"]);
    const tasks = (await ask("GET", "/v2/groups//shop/db/?embed=group.apps&embed=group.apps.tasks")).json;
    assert.deepEqual([tasks.apps[0]?.tasks, tasks.groups], [[], undefined]);
  });

  test("apps are a bare list, however deep", async () => {
    const { ask } = await startAsking();
    await ask("POST", "/v2/groups", shop);
    const { json } = await ask("GET", "/v2/groups/shop/apps");
    assert.deepEqual(
      (json as unknown as App[]).map(({ id }) => id),
      ["/shop/db/main", "/shop/web/front"],
    );
    assert.equal(((await ask("GET", "/v2/groups/apps")).json as unknown as App[]).length, 2);
  });

  for (const path of ["/v2/groups/none", "/v2/groups/none/apps", "/v2/groups/none/versions", "/v2/groups/NO_name"])
    test(`${path} is 404 in Marathon's words`, async () => {
      const { ask } = await startAsking();
      const { status, json } = await ask("GET", path);
      assert.equal(status, 404);
      assert.match(json.message, /^Group '\/(none|NO_name)' does not exist$/);
    });
});

describe("POST of a group", () => {
  test("answers 201 with one deployment whose steps follow the dependencies", async () => {
    const { gateway, ask } = await startAsking();
    const { status, json, headers } = await ask("POST", "/v2/groups", shop);
    assert.equal(status, 201, json.message);
    assert.equal(headers.get("marathon-deployment-id"), json.deploymentId);
    assert.equal(headers.get("location"), "/v2/groups/shop");
    const [running] = (await ask("GET", "/v2/deployments")).json as unknown as {
      steps: unknown;
      currentStep: number;
    }[];
    assert.deepEqual(running?.steps, [
      { actions: [{ action: "StartApplication", app: "/shop/db/main" }] },
      { actions: [{ action: "StartApplication", app: "/shop/web/front" }] },
    ]);
    const { value } = gateway.state.kind("app").get("shop_web_front") ?? {};
    assert.deepEqual([value?.instances, value?.deployment], [0, json.deploymentId]);
    assert.equal((await ask("GET", "/v2/groups/shop")).json.version, json.version);
  });

  test("of what is there is 409 in Marathon's words, be it a group or an app", async () => {
    const { ask } = await startAsking();
    await ask("POST", "/v2/groups", shop);
    await ask("POST", "/v2/apps", app("/cron"));
    const rows = [
      [{ id: "/" }, "Group / is already created. Use PUT to change this group."],
      [{ id: "/shop" }, "Group /shop is already created. Use PUT to change this group."],
      [{ id: "/cron" }, "An app with id [/cron] already exists."],
      [{ id: "/cron/jobs", apps: [app("a")] }, "An app with id [/cron] already exists: nothing can stand below it"],
    ] as const;
    for (const [body, message] of rows) {
      const { status, json } = await ask("POST", "/v2/groups", body);
      assert.deepEqual([status, json.message], [409, message]);
    }
    for (const id of ["/shop", "/shop/web/front/x"]) {
      const { status, json } = await ask("POST", "/v2/apps", app(id));
      assert.deepEqual([status, json.code], [409, "app.exists"], json.message);
    }
  });

  test("an empty group is one, until it is deleted", async () => {
    const { ask } = await startAsking();
    assert.equal((await ask("POST", "/v2/groups/empty", {})).status, 201);
    assert.equal((await ask("GET", "/v2/groups/empty")).status, 200);
    assert.equal((await ask("POST", "/v2/apps", app("/empty"))).status, 409);
    assert.equal((await ask("DELETE", "/v2/groups/empty")).status, 200);
    assert.equal((await ask("GET", "/v2/groups/empty")).status, 404);
    assert.equal((await ask("POST", "/v2/apps", app("/empty"))).status, 201);
  });
});

describe("what is wrong with a group", () => {
  const rows: readonly (readonly [name: string, body: unknown, path: string, says: RegExp])[] = [
    [
      "a problem deep inside",
      { id: "/a", groups: [{ id: "b", apps: [app("x"), app("y", { cpus: "many" })] }] },
      "/groups(0)/apps(1)/cpus",
      /number/,
    ],
    ["a child elsewhere", { id: "/a", apps: [app("/b/c")] }, "/apps(0)/id", /does not stand right in the group \/a/],
    ["a group elsewhere", { id: "/a", groups: [{ id: "/c" }] }, "/groups(0)/id", /does not stand right in/],
    ["two with one id", { id: "/a", apps: [app("b")], groups: [{ id: "b" }] }, "/groups(0)/id", /stands here twice/],
    ["a version beside other fields", { version: "2026-11-20T13:19:00.000Z", apps: [] }, "/version", /alone/],
    ["scaleBy beside other fields", { scaleBy: 2, dependencies: [] }, "/scaleBy", /alone/],
    ["both at once", { scaleBy: 2, version: "2026-11-20T13:19:00.000Z" }, "/version", /alone/],
    ["no version at all", { version: "yesterday" }, "/version", /such as/],
    ["a group without an id", { id: "/a", groups: [{ apps: [] }] }, "/groups(0)/id", /expected the group's id/],
    ["pods", { id: "/a", pods: [{}] }, "/pods", /there are no pods/],
    ["a group that waits for itself", { id: "/a", dependencies: ["/a"] }, "/dependencies(0)", /itself/],
    ["a role too deep", { id: "/a/b", enforceRole: true }, "/enforceRole", /right below the root/],
    [
      "a cycle of groups",
      {
        id: "/a",
        groups: [
          { id: "b", dependencies: ["/a/c"] },
          { id: "c", dependencies: ["/a/b"] },
        ],
      },
      "/groups(0)/dependencies",
      /\/a\/b → \/a\/c → \/a\/b/,
    ],
  ];
  for (const [name, body, path, says] of rows)
    test(`${name} is told at ${path}`, async () => {
      const { gateway, ask } = await startAsking();
      const { status, json } = await ask("PUT", "/v2/groups", body);
      assert.equal(status, 422, json.message);
      assert.deepEqual(
        json.details.map((detail) => detail.path),
        [path],
      );
      assert.match(json.details[0]?.errors[0] ?? "", says);
      assert.equal(gateway.state.kind("app").size, 0);
    });

  test("lines are told", async () => {
    const { ask } = await startAsking();
    const { json } = await ask("PUT", "/v2/groups", '{"id":"/a",\n "apps":[\n  {"id":"x","cmd":"y","cpus":-1}]}');
    assert.deepEqual([json.details[0]?.path, json.details[0]?.line], ["/apps(0)/cpus", 3]);
  });

  test("a body about another group than the address", async () => {
    const { ask } = await startAsking();
    const { status, json } = await ask("PUT", "/v2/groups/a", { id: "/b" });
    assert.deepEqual([status, json.message], [422, "/id: the address says /a, and /b does not stand there"]);
  });
});
