import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { MusterError } from "@muster/contracts";
import { connectNats, type Nats } from "@muster/runtime";
import { type NatsServer, startNatsServer } from "@muster/testkit";
import { createClient, warningsOf } from "./client.ts";
import { type Answer, fakeGateway, type Heard } from "./fake-gateway.ts";

let server: NatsServer;
let nats: Nats;
before(async () => {
  server = await startNatsServer();
  nats = await connectNats({ url: server.url }, { name: "test", waitMs: 10_000 });
});
after(async () => {
  await nats?.connection.close();
  await server?.stop();
});

/** Runs `work` against a gateway that answers like this. */
async function withGateway<T>(
  answer: (request: Heard) => Answer | null,
  work: (client: ReturnType<typeof createClient>, heard: Heard[]) => Promise<T>,
  options: { timeoutMs?: number; askAgainMs?: number } = {},
): Promise<T> {
  const gateway = fakeGateway(nats, answer);
  try {
    return await work(createClient(nats, { from: "test", patienceMs: 100, ...options }), gateway.heard);
  } finally {
    gateway.stop();
  }
}

test("a changing call carries text, trace context and who asks, and answers deployment, warnings and trace", async () => {
  const trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  const answer: Answer = {
    status: 201,
    headers: { Warning: '299 - "mem was understood as 128"', "Marathon-Deployment-Id": "d1", "X-Muster-Trace": trace },
    body: { id: "/hello", version: "2026-11-20T12:00:00.000Z", deployments: [{ id: "d1" }] },
  };
  await withGateway(
    () => answer,
    async (client, heard) => {
      assert.deepEqual(await client.createApp('{"id":"hello"}', { traceparent: trace }), {
        app: "/hello",
        deployment: "d1",
        version: "2026-11-20T12:00:00.000Z",
        warnings: ["mem was understood as 128"],
        traceId: "4bf92f3577b34da6a3ce929d0e0e4736",
      });
      assert.deepEqual(heard, [
        { method: "POST", path: "/v2/apps", body: '{"id":"hello"}', from: "test", traceparent: trace },
      ]);
    },
  );
});

test("a change that changes nothing has no deployment, although Marathon's clients are given an id", async () => {
  await withGateway(
    () => ({ body: { version: "v", deploymentId: "never-listed" } }),
    async (client) => assert.equal((await client.scaleApp("/a", 2)).deployment, null),
  );
});

for (const [about, act, method, path, body] of [
  ["scaling", "scaleApp", "PATCH", "/v2/apps/prod/web?force=true", '{"instances":3}'],
  ["restarting", "restartApp", "POST", "/v2/apps/prod/web/restart?force=true", null],
  ["removing", "removeApp", "DELETE", "/v2/apps/prod/web?force=true", null],
  ["replacing", "replaceApp", "PUT", "/v2/apps/prod/web?partialUpdate=false&force=true", "{}"],
] as const)
  test(`${about} is ${method} ${path}`, async () => {
    await withGateway(
      () => ({ headers: { "marathon-deployment-id": "d2" }, body: { version: "v", deploymentId: "d2" } }),
      async (client, heard) => {
        const force = { force: true };
        const change =
          act === "scaleApp"
            ? await client.scaleApp("/prod/web", 3, force)
            : act === "replaceApp"
              ? await client.replaceApp("/prod/web", "{}", force)
              : await client[act]("/prod/web", force);
        assert.equal(change.deployment, "d2");
        assert.deepEqual([heard[0]?.method, heard[0]?.path, heard[0]?.body], [method, path, body]);
      },
    );
  });

test("a removal that is not forced says so: the API's own default overtakes what runs", async () => {
  await withGateway(
    () => ({ headers: { "marathon-deployment-id": "d2" }, body: { version: "v", deploymentId: "d2" } }),
    async (client, heard) => {
      await client.removeApp("/a");
      assert.equal(heard[0]?.path, "/v2/apps/a?force=false");
    },
  );
});

test("an error keeps the server's message, code, problems with their places, and deployments", async () => {
  const body = {
    message: "the app is not valid",
    code: "spec.invalid",
    details: [{ path: "/cpus", errors: ["expected a number", "got text"], line: 4, column: 11 }],
    deployments: [{ id: "d9" }],
  };
  await withGateway(
    () => ({ status: 422, body }),
    async (client) => {
      await assert.rejects(client.createApp("{}"), (error: MusterError) => {
        assert.ok(error instanceof MusterError);
        assert.deepEqual(
          [error.code, error.message, error.problems, error.deployments],
          [
            "spec.invalid",
            "the app is not valid",
            [{ path: "/cpus", message: "expected a number; got text", line: 4, column: 11 }],
            ["d9"],
          ],
        );
        return true;
      });
    },
  );
});

for (const [status, body, code, message] of [
  [409, { message: "taken", code: "app.exists" }, "app.exists", "taken"],
  [409, { message: "taken", code: "from.the.future" }, "app.conflict", "taken"],
  [404, { message: "none" }, "route.unknown", "none"],
  [500, "it broke", "internal", "it broke"],
  [502, "", "internal", "the gateway answered with status 502"],
] as const)
  test(`status ${status} with ${JSON.stringify(body)} is ${code}`, async () => {
    await withGateway(
      () => ({ status, body }),
      (client) => assert.rejects(client.apps(), { code, message }),
    );
  });

test("without a gateway a sentence says what to do", async () => {
  const client = createClient(nats, { from: "test", patienceMs: 100 });
  await assert.rejects(client.apps(), {
    code: "nats.unreachable",
    message: `a nats-server answers at ${nats.connection.getServer()} but no gateway does: start Muster with "npm start" or "muster up"`,
  });
});

test("a gateway that comes a little later is waited for", async () => {
  const client = createClient(nats, { from: "test", patienceMs: 5_000 });
  const asked = client.apps();
  const gateway = fakeGateway(nats, () => ({ body: { apps: [] } }));
  assert.deepEqual(await asked, []);
  gateway.stop();
});

test("a gateway that has not caught up is asked again", async () => {
  let asked = 0;
  const notReady = { status: 503, body: { message: "catching up", code: "cluster.not-ready" } };
  await withGateway(
    () => (asked++ === 0 ? notReady : { body: { apps: [{ id: "/a" }] } }),
    async (client) => assert.equal((await client.apps())[0]?.id, "/a"),
  );
});

test("a change that nobody answered is called unknown, never failed", async () => {
  await withGateway(
    () => null,
    (client) => assert.rejects(client.scaleApp("/a", 2), /whether the change was made is not known/),
    { timeoutMs: 50 },
  );
});

test("a question whose gateway died with it is asked again, a change never", async () => {
  let asked = 0;
  const answer = () => (asked++ === 0 ? null : { body: { apps: [{ id: "/a" }] } });
  const options = { askAgainMs: 50, timeoutMs: 2_000 };
  await withGateway(answer, async (client) => assert.equal((await client.apps())[0]?.id, "/a"), options);
  await withGateway(
    () => null,
    async (client, heard) => {
      await assert.rejects(client.scaleApp("/a", 2), { code: "nats.unreachable" });
      assert.equal(heard.length, 1);
    },
    { ...options, timeoutMs: 300 },
  );
});

test("an answer larger than a message comes whole", async () => {
  const apps = Array.from({ length: 8_000 }, (_, i) => ({ id: `/app-${i}`, cmd: "x".repeat(200) }));
  await withGateway(
    () => ({ body: { apps } }),
    async (client) => assert.equal((await client.apps()).length, 8_000),
  );
});

test("a spec larger than the server takes is refused before it is sent", async () => {
  await withGateway(
    () => ({}),
    async (client, heard) => {
      await assert.rejects(client.createApp("x".repeat(9_000_000)), { code: "document.too-large" });
      assert.equal(heard.length, 0);
    },
  );
});

test("warnings are read as HTTP writes them, and as plain text", () => {
  assert.deepEqual(warningsOf('299 - "one", 299 - "say \\"two\\""'), ["one", 'say "two"']);
  assert.deepEqual(warningsOf("just text"), ["just text"]);
  assert.deepEqual(warningsOf(undefined), []);
});
