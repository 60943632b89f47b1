import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import type Docker from "dockerode";
import { PROGRESS_TOLD_MS } from "../../limits.ts";
import { instanceDocument, orderOf } from "../../testing/documents.ts";
import { dockerEngine, type Engine } from "./engine.ts";
import { images } from "./images.ts";

/** Answers as an engine that has every image, and notes what it is asked to pull. */
async function engineWithAll(t: TestContext): Promise<{ socket: string; pulled: string[] }> {
  const folder = mkdtempSync(join(tmpdir(), "muster-engine-"));
  const socket = join(folder, "engine.sock");
  const pulled: string[] = [];
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? "", "http://engine");
    if (pathname.endsWith("/images/create")) pulled.push(`${searchParams.get("fromImage")}:${searchParams.get("tag")}`);
    response.writeHead(200, { "content-type": "application/json" }).end("{}");
  });
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  t.after(() => {
    server.close();
    rmSync(folder, { recursive: true });
  });
  return { socket, pulled };
}

test("an image that is here is pulled again only where the spec asks for it, each time", async (t) => {
  const { socket, pulled } = await engineWithAll(t);
  const { ensure } = images(dockerEngine(socket), 5_000, () => {});
  const start = (forcePull: boolean) =>
    ensure(orderOf("", instanceDocument({ image: "nginx:1.27", forcePull })), new AbortController().signal);
  await start(false);
  assert.deepEqual(pulled, []);
  await start(true);
  await start(true);
  assert.deepEqual(pulled, ["nginx:1.27", "nginx:1.27"]);
});

/** An engine that has no image and pulls as the test says. */
function engine() {
  const pulls: { done(error: Error | null): void; progress(): void }[] = [];
  const docker = {
    getImage: () => ({ inspect: () => Promise.reject(Object.assign(new Error("no such image"), { statusCode: 404 })) }),
    pull: async () => ({}),
    modem: {
      followProgress: (_stream: unknown, done: (error: Error | null) => void, progress: () => void) =>
        void pulls.push({ done, progress }),
    },
  } as unknown as Docker;
  const fake: Engine = {
    usable: async () => ({ usable: true, reason: "" }),
    calls: async () => docker,
    streams: async () => docker,
  };
  return { fake, pulls };
}

test("a pull is told to each who waits for it, and again while it gets on, until it is over", async (t) => {
  t.mock.timers.enable({ apis: ["setInterval"] });
  const { fake, pulls } = engine();
  const pulled = images(fake, 60_000, () => {});
  const told = { a: 0, b: 0 };
  const orderBy = (who: "a" | "b") => ({
    ...orderOf("/work", instanceDocument({ runtime: "docker", image: "slow:1" })),
    pulling: (message: string) => {
      assert.equal(message, "pulls the image slow:1");
      told[who] += 1;
    },
  });
  const never = new AbortController().signal;
  const first = pulled.ensure(orderBy("a"), never);
  const cut = new AbortController();
  const second = pulled.ensure(orderBy("b"), cut.signal);
  await turn();
  assert.equal(pulls.length, 1, "one pull per image at a time");
  assert.deepEqual(told, { a: 1, b: 1 });
  t.mock.timers.tick(PROGRESS_TOLD_MS);
  assert.deepEqual(told, { a: 1, b: 1 }, "it did not get on");
  pulls[0]?.progress();
  t.mock.timers.tick(PROGRESS_TOLD_MS);
  assert.deepEqual(told, { a: 2, b: 2 });
  cut.abort(new Error("killed"));
  await assert.rejects(second, /killed/);
  pulls[0]?.progress();
  t.mock.timers.tick(2 * PROGRESS_TOLD_MS);
  assert.deepEqual(told, { a: 3, b: 2 });
  pulls[0]?.done(null);
  await first;
  pulls[0]?.progress();
  t.mock.timers.tick(PROGRESS_TOLD_MS);
  assert.deepEqual(told, { a: 3, b: 2 });
});
