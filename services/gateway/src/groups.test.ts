import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { keys } from "@muster/contracts";
import { createApi } from "./api.ts";
import { type FakeGateway, fakeGateway } from "./testing/fake-gateway.ts";

type App = { readonly id: string; readonly instances: number; readonly cmd: string; readonly tasks?: unknown[] };
type Group = {
  readonly id: string;
  readonly apps: readonly App[];
  readonly groups: readonly Group[];
  readonly pods: readonly unknown[];
  readonly dependencies: readonly string[];
  readonly version: string;
  readonly enforceRole?: boolean;
};
type Reply = Group & {
  readonly message: string;
  readonly code: string;
  readonly deploymentId: string;
  readonly details: readonly { readonly path: string; readonly errors: readonly string[]; readonly line?: number }[];
  readonly deployments: readonly { readonly id: string }[];
  readonly steps: unknown;
};

async function start() {
  const gateway = await fakeGateway();
  const api = createApi(gateway);
  const ask = async (method: string, path: string, body?: unknown) => {
    const request = new Request(`http://127.0.0.1:8080${path}`, {
      method,
      headers: { host: "127.0.0.1:8080" },
      body: body === undefined ? null : typeof body === "string" ? body : JSON.stringify(body),
    });
    const response = await api.fetch(request, { requester: { who: "test", from: "here" } });
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      json: (text === "" ? null : JSON.parse(text)) as Reply,
    };
  };
  return { gateway, ask };
}

/** The deployer's part: the deployment has brought everything about. */
function end({ state }: FakeGateway): void {
  for (const { value } of [...state.kind("deployment").values()]) {
    if (value.state !== "running") continue;
    for (const { app, to } of value.steps.flatMap(({ actions }) => actions)) {
      const before = state.kind("app").get(keys.app(app).slice(4))?.value;
      if (before === undefined) continue;
      if (to === null) for (const key of [keys.app(app), keys.path(app)]) state.put(key, null);
      else state.put(keys.app(app), { ...before, ...to, goal: "run", deployment: null });
    }
    state.put(keys.deployment(value.id), { ...value, state: "succeeded" });
  }
}

const app = (id: string, more: object = {}) => ({ id, cmd: "sleep 9", portDefinitions: [], ...more });
const shop = {
  id: "/shop",
  groups: [
    { id: "web", dependencies: ["../db"], apps: [app("front", { instances: 2 })] },
    { id: "db", apps: [app("main")] },
  ],
};

describe("GET of groups", () => {
  test("the root is there when nothing is, and has all that stands in it", async () => {
    const { gateway, ask } = await start();
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
    const { ask } = await start();
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
    const { ask } = await start();
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
      const { ask } = await start();
      const { status, json } = await ask("GET", path);
      assert.equal(status, 404);
      assert.match(json.message, /^Group '\/(none|NO_name)' does not exist$/);
    });
});

describe("POST of a group", () => {
  test("answers 201 with one deployment whose steps follow the dependencies", async () => {
    const { gateway, ask } = await start();
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
    const { ask } = await start();
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
    const { ask } = await start();
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
      const { gateway, ask } = await start();
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
    const { ask } = await start();
    const { json } = await ask("PUT", "/v2/groups", '{"id":"/a",\n "apps":[\n  {"id":"x","cmd":"y","cpus":-1}]}');
    assert.deepEqual([json.details[0]?.path, json.details[0]?.line], ["/apps(0)/cpus", 3]);
  });

  test("a body about another group than the address", async () => {
    const { ask } = await start();
    const { status, json } = await ask("PUT", "/v2/groups/a", { id: "/b" });
    assert.deepEqual([status, json.message], [422, "/id: the address says /a, and /b does not stand there"]);
  });
});

describe("PUT of a group", () => {
  test("what a given list does not name goes, what no list speaks of stays", async () => {
    const { gateway, ask } = await start();
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
    const { gateway, ask } = await start();
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
    const { gateway, ask } = await start();
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
    const { gateway, ask } = await start();
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
    const { ask } = await start();
    await ask("POST", "/v2/groups", shop);
    assert.equal((await ask("PATCH", "/v2/groups/shop", { enforceRole: true })).status, 200);
    assert.equal((await ask("GET", "/v2/groups/shop")).json.enforceRole, true);
    assert.equal((await ask("PATCH", "/v2/groups/shop/web", { enforceRole: true })).status, 422);
    assert.equal((await ask("PATCH", "/v2/groups/none", { enforceRole: true })).status, 404);
  });

  test("the root clears everything, whoever depends on something first", async () => {
    const { gateway, ask } = await start();
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
    const { gateway, ask } = await start();
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
    const { gateway, ask } = await start();
    await ask("POST", "/v2/apps", app("/a", { instances: 3 }));
    end(gateway);
    const { json } = await ask("PUT", "/v2/apps?partialUpdate=false", [{ id: "/a", cmd: "b" }]);
    assert.equal(gateway.state.kind("deployment").get(json.deploymentId)?.value.steps[0]?.actions[0]?.to?.instances, 1);
  });

  test("PATCH changes nothing where one is unknown", async () => {
    const { gateway, ask } = await start();
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
    const { ask } = await start();
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
