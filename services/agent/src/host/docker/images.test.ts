import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { instanceDocument, orderOf } from "../../testing/documents.ts";
import { dockerEngine } from "./engine.ts";
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
