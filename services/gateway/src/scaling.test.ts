import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ErrorBodySchema, keys } from "@muster/contracts";
import { createApi } from "./api.ts";
import { fakeGateway } from "./testing/fake-gateway.ts";

async function start(app: object) {
  const gateway = await fakeGateway();
  const api = createApi(gateway);
  const ask = (method: string, path: string, body?: object) =>
    api.fetch(
      new Request(`http://127.0.0.1:8080${path}`, {
        method,
        headers: { host: "127.0.0.1:8080" },
        body: body === undefined ? null : JSON.stringify(body),
      }),
      { requester: { who: "test", from: "here" } },
    );
  assert.equal((await ask("POST", "/v2/apps", { id: "/a", cmd: "sleep 9", ...app })).status, 201);
  const document = gateway.state.kind("app").get("a")?.value;
  gateway.state.put(keys.app("/a"), { ...document, deployment: null });
  const asked = () => gateway.state.kind("app").get("a")?.value.instances;
  return { ask, asked };
}

describe("another number of instances", () => {
  test("of an app on every agent is refused with a sentence, by PATCH and by PUT", async () => {
    const { ask } = await start({ placement: { global: true } });
    for (const method of ["PATCH", "PUT"]) {
      const response = await ask(method, "/v2/apps/a", { instances: 5 });
      assert.equal(response.status, 422);
      const { message, code } = ErrorBodySchema.parse(await response.json());
      assert.equal(code, "spec.invalid");
      assert.match(message, /\/a has one instance on every agent that may run it/);
    }
  });

  test("beside other fields it is what the app as a whole says, and is warned of", async () => {
    const { ask } = await start({ placement: { global: true } });
    const response = await ask("PUT", "/v2/apps/a", { instances: 5, cmd: "sleep 10" });
    assert.equal(response.status, 200);
    assert.match(response.headers.get("warning") ?? "", /instances: ignored/);
  });

  test("of a gang goes as far as one commit holds", async () => {
    const { ask, asked } = await start({ placement: { gang: true } });
    const response = await ask("PATCH", "/v2/apps/a", { instances: 401 });
    assert.equal(response.status, 422);
    assert.match(ErrorBodySchema.parse(await response.json()).message, /at most 400 instances, got 401/);
    assert.equal((await ask("PATCH", "/v2/apps/a", { instances: 400 })).status, 200);
    assert.equal(asked(), 400);
  });
});
