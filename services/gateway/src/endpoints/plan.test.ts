import assert from "node:assert/strict";
import { test } from "node:test";
import { keys, PlanSchema } from "@muster/contracts";
import { emptyLedger } from "@muster/core";
import { offerOf } from "@muster/core/testing/builders";
import { createApi } from "../api.ts";
import { fakeGateway } from "../testing/fake-gateway.ts";

async function start() {
  const gateway = await fakeGateway();
  const api = createApi(gateway);
  gateway.state.put(keys.offer("n1"), offerOf("n1"));
  const gate = { open: true, reason: "open", sinceMs: 1, incarnation: 1 } as const;
  gateway.state.put(keys.ledger("n1"), emptyLedger("n1", gate));
  const ask = (method: string, path: string, body: object | string, headers: Record<string, string> = {}) => {
    const text = typeof body === "string" ? body : JSON.stringify(body);
    return api.fetch(new Request(`http://127.0.0.1:8080${path}`, { method, body: text, headers }), {
      requester: { who: "test", from: "here" },
    });
  };
  const plan = async (spec: object, query = "") =>
    PlanSchema.parse(await (await ask("POST", `/v1/plan${query}`, spec)).json());
  return { gateway, api, ask, plan };
}

const hello = { id: "/hello", cmd: "sleep 9", instances: 2, cpus: "0.25" };

test("a plan tells the difference, the agents and what was understood, and writes nothing", async () => {
  const { gateway, plan } = await start();
  const refuse = () => assert.fail("a plan commits nothing");
  Object.assign(gateway, { commit: refuse });
  const { outcome, places, changes, warnings } = await plan(hello);
  assert.deepEqual([outcome, places], ["fits", [{ agent: "n1", count: 2 }]]);
  assert.deepEqual(
    changes.map(({ path }) => path),
    ["/cmd", "/instances", "/cpus", "/mem"],
  );
  assert.match(warnings[0]?.message ?? "", /0\.25/);
  assert.equal(gateway.state.kind("app").size, 0);
});

test("a running deployment stands in the plan, unless the plan is forced", async () => {
  const { ask, plan } = await start();
  await ask("POST", "/v2/apps", hello);
  assert.equal((await plan(hello)).outcome, "unchanged");
  const changed = { ...hello, cmd: "sleep 10" };
  assert.deepEqual([(await plan(changed)).outcome, (await plan(changed)).refusal?.code], ["refused", "app.locked"]);
  assert.equal((await plan(changed, "?force=true")).outcome, "fits");
});

test("of a list of apps the steps are told, each app as a whole, and nothing is written", async () => {
  const { gateway, ask } = await start();
  await ask("POST", "/v2/apps", hello);
  const deployments = gateway.state.kind("deployment").size;
  const list = [
    { id: "/web", cmd: "b", dependencies: ["/hello"] },
    { id: "/hello", cmd: "sleep 10" },
  ];
  const refused = await ask("POST", "/v1/plan", list);
  assert.deepEqual([refused.status, ((await refused.json()) as { code: string }).code], [409, "app.locked"]);
  const forced = await ask("POST", "/v1/plan?force=true", list);
  assert.deepEqual(await forced.json(), {
    steps: [
      { actions: [{ action: "RestartApplication", app: "/hello" }] },
      { actions: [{ action: "StartApplication", app: "/web" }] },
    ],
  });
  assert.deepEqual(await (await ask("POST", "/v1/plan", [hello])).json(), { steps: [] });
  const wrong = await ask("POST", "/v1/plan", [hello, { id: "/web", cmd: 5 }]);
  assert.deepEqual(
    ((await wrong.json()) as { details: { path: string }[] }).details.map(({ path }) => path),
    ["(1)/cmd"],
  );
  assert.equal(gateway.state.kind("deployment").size, deployments);
});

for (const [body, status, code] of [
  ['{\n "id": ', 400, "json.malformed"],
  ["", 400, "document.empty"],
  [{ id: "/a", cmd: 5 }, 422, "spec.type"],
  [{ id: "/a", cmd: "x", instances: 5_001 }, 422, "spec.invalid"],
  [{ id: "/a", cmd: "x", container: { type: "MESOS", volumes: [{ containerPath: "/x" }] } }, 422, "spec.unsupported"],
] as const)
  test(`${JSON.stringify(body).slice(0, 60)} is refused as a POST of an app is: ${status} ${code}`, async () => {
    const { ask } = await start();
    for (const path of ["/v1/plan", "/v2/apps"]) {
      const response = await ask("POST", path, body);
      assert.equal(response.status, status, path);
      assert.equal(((await response.json()) as { code: string }).code, code, path);
    }
  });

test("the plan runs in the caller's trace, and is described", async () => {
  const { gateway, api, ask } = await start();
  const traceparent = "00-0123456789abcdef0123456789abcdef-0123456789abcdef-01";
  const response = await ask("POST", "/v1/plan", hello, { traceparent });
  assert.equal(response.headers.get("x-muster-trace"), "0123456789abcdef0123456789abcdef");
  assert.deepEqual(
    gateway.spans.map(({ name }) => name),
    ["POST /v1/plan", "validate", "plan"],
  );
  const described = JSON.stringify(await (await api.request("/openapi.json")).json());
  assert.match(described, /"\/v1\/plan":\{"post":/);
  assert.match(described, /#\/components\/schemas\/Plan"/);
});
