import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { gunzipSync } from "node:zlib";
import { MusterError } from "@muster/contracts";
import { type ApiOptions, createApi } from "../api.ts";
import { fakeGateway } from "../testing/fake-gateway.ts";
import { takesGzip } from "./compress.ts";
import { originsOf } from "./guards.ts";

async function start(options: ApiOptions = {}, limits = {}) {
  const usual = await fakeGateway();
  const gateway = await fakeGateway({ limits: { ...usual.limits, ...limits } });
  const api = createApi(gateway, options);
  const ask = (method: string, path: string, headers: Record<string, string> = {}, body: object | null = null) =>
    api.fetch(
      new Request(`http://127.0.0.1:8080${path}`, {
        method,
        headers: { host: "127.0.0.1:8080", ...headers },
        body: body === null ? null : JSON.stringify(body),
      }),
      { requester: { who: "test", from: "here" } },
    );
  return { gateway, ask };
}

describe("headers", () => {
  test("every answer names a gateway that clients reach as the leader", async () => {
    const { ask } = await start();
    for (const path of ["/v2/apps", "/ping", "/nothing"])
      assert.equal((await ask("GET", path)).headers.get("x-marathon-leader"), "http://127.0.0.1:8080", path);
  });

  test("large answers are packed for whoever takes it, small ones and events are not", async () => {
    const { ask } = await start();
    const gzip = { "accept-encoding": "gzip, br" };
    const plain = await (await ask("GET", "/openapi.json")).text();
    const packed = await ask("GET", "/openapi.json", gzip);
    assert.equal(packed.headers.get("content-encoding"), "gzip");
    assert.equal(packed.headers.get("vary"), "Accept-Encoding");
    const bytes = new Uint8Array(await packed.arrayBuffer());
    assert.ok(bytes.length < plain.length / 3);
    assert.equal(gunzipSync(bytes).toString(), plain);
    const small = await ask("GET", "/v2/apps", gzip);
    assert.equal(small.headers.get("content-encoding"), null);
    assert.deepEqual(await small.json(), { apps: [] });
    assert.equal((await ask("HEAD", "/openapi.json", gzip)).status, 200);
  });

  test("a coding with weight zero is not taken", () => {
    for (const text of ["gzip", "x-gzip", "*", "br;q=0.1, gzip;q=0.5", "GZIP"]) assert.ok(takesGzip(text), text);
    for (const text of [undefined, "", "br", "gzip;q=0", "identity", "*;q=0"]) assert.ok(!takesGzip(text), text);
  });
});

describe("methods", () => {
  const cases = [
    ["DELETE", "/v2/apps", "GET, HEAD, POST, PUT, PATCH"],
    ["POST", "/v2/apps/a/b", "GET, HEAD, PUT, PATCH, DELETE"],
    ["PUT", "/v2/apps/a/restart", "POST"],
    ["PATCH", "/v2/info", "GET, HEAD"],
    ["POST", "/ping", "GET, HEAD"],
  ] as const;
  for (const [method, path, allowed] of cases) {
    test(`${method} ${path} is refused with the methods that are taken`, async () => {
      const { ask } = await start();
      const response = await ask(method, path);
      assert.equal(response.status, 405);
      assert.deepEqual(response.headers.get("allow")?.split(", ").sort(), allowed.split(", ").sort());
    });
  }
});

describe("pages of other origins", () => {
  const page = { origin: "https://ui.example" };
  const hello = { id: "/hello", cmd: "sleep 9" };

  test("are let in by a setting and by nothing else", async () => {
    const closed = await start();
    const refused = await closed.ask("POST", "/v2/apps", page, hello);
    assert.equal(refused.status, 403);
    assert.equal(((await refused.json()) as { code: string }).code, "origin.forbidden");
    assert.equal((await closed.ask("GET", "/v2/apps", page)).headers.get("access-control-allow-origin"), null);
    const open = await start({ origins: originsOf("https://other.example, https://ui.example/") });
    const created = await open.ask("POST", "/v2/apps", page, hello);
    assert.equal(created.status, 201);
    assert.equal(created.headers.get("access-control-allow-origin"), "https://ui.example");
    assert.match(created.headers.get("access-control-expose-headers") ?? "", /Marathon-Deployment-Id/);
    const evil = await open.ask("POST", "/v2/apps", { origin: "https://evil.example" }, hello);
    assert.deepEqual([evil.status, evil.headers.get("access-control-allow-origin")], [403, null]);
  });

  test("may ask beforehand, and * lets in all of them", async () => {
    const { ask } = await start({ origins: originsOf("*") });
    const asked = { ...page, "access-control-request-method": "PUT", "access-control-request-headers": "content-type" };
    const response = await ask("OPTIONS", "/v2/apps/a", asked);
    assert.equal(response.status, 204);
    assert.equal(response.headers.get("access-control-allow-origin"), "*");
    assert.match(response.headers.get("access-control-allow-methods") ?? "", /PUT/);
    assert.equal((await ask("POST", "/v2/apps", page, hello)).status, 201);
  });
});

describe("bounds", () => {
  const refusal = async (response: Response) => {
    const { code, message } = (await response.json()) as { code: string; message: string };
    return [response.status, code, message] as const;
  };

  test("requests beyond the setting are sent away at once, and probes are not", async () => {
    let go: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      go = resolve;
    });
    const { gateway, ask } = await start({ concurrentRequestsMax: 1 });
    const commit = gateway.commit;
    Object.assign(gateway, {
      commit: async (decide: Parameters<typeof commit>[0]) => {
        await held;
        await commit(decide);
      },
    });
    const first = ask("POST", "/v2/apps", {}, { id: "/a", cmd: "true" });
    const second = await ask("GET", "/v2/apps");
    assert.equal(second.headers.get("retry-after"), "1");
    assert.deepEqual((await refusal(second)).slice(0, 2), [503, "cluster.busy"]);
    assert.equal((await ask("GET", "/ping")).status, 200);
    go();
    assert.equal((await first).status, 201);
    assert.equal((await ask("GET", "/v2/apps")).status, 200);
  });

  test("apps, instances and bodies beyond the settings are refused, each with a sentence that names the setting", async () => {
    const { ask } = await start({}, { apps: 2, instancesPerApp: 10, bodyBytes: 1_000 });
    const app = (id: string, more = {}) => ask("POST", "/v2/apps", {}, { id, cmd: "true", ...more });
    assert.equal((await app("/a")).status, 201);
    const [status, code, message] = await refusal(await app("/b", { instances: 11 }));
    assert.deepEqual([status, code], [422, "spec.invalid"]);
    assert.match(message, /^\/instances: 11 .*10.*--max-instances-per-app/);
    assert.equal((await app("/b", { instances: 10 })).status, 201);
    const third = await refusal(await app("/c"));
    assert.deepEqual(third.slice(0, 2), [422, "app.too-many"]);
    assert.match(third[2], /--max-apps/);
    assert.deepEqual((await refusal(await ask("PUT", "/v2/apps/a?force=true", {}, { instances: 11 })))[0], 422);
    assert.equal((await ask("PUT", "/v2/apps/a?force=true", {}, { instances: 9 })).status, 200);
    assert.equal((await refusal(await app("/a", { cmd: "x".repeat(1_000) })))[0], 413);
  });

  test("no more deployments begin than may run at once; one that overtakes another counts as that one", async () => {
    const { ask } = await start({}, { runningDeployments: 2 });
    const app = (id: string) => ask("POST", "/v2/apps", {}, { id, cmd: "true" });
    assert.deepEqual([(await app("/a")).status, (await app("/b")).status], [201, 201]);
    const [status, code, message] = await refusal(await app("/c"));
    assert.deepEqual([status, code], [403, "deployment.too-many"]);
    assert.match(message, /2 deployments run.*--max-running-deployments/);
    assert.equal((await ask("PUT", "/v2/apps/a?force=true", {}, { cmd: "false" })).status, 200);
  });

  test("what stands beyond a bound that was lowered may still be made smaller", async () => {
    const { gateway, ask } = await start();
    await ask("POST", "/v2/apps", {}, { id: "/a", cmd: "true", instances: 20 });
    Object.assign(gateway, { limits: { ...gateway.limits, instancesPerApp: 10, apps: 1 } });
    assert.equal((await ask("PUT", "/v2/apps/a?force=true", {}, { instances: 15 })).status, 200);
    assert.equal((await ask("PUT", "/v2/apps/a?force=true", {}, { instances: 16 })).status, 422);
    assert.ok(new MusterError("app.too-many", "x").status === 422);
  });
});
