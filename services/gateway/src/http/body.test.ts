import assert from "node:assert/strict";
import { test } from "node:test";
import { MusterError, parseDocument } from "@muster/contracts";
import { z } from "zod";
import { readAs, readBody, readDocument } from "./body.ts";

const post = (body: string | ReadableStream | null, headers: Record<string, string> = {}): Request =>
  new Request("http://gateway/v2/apps", {
    method: "POST",
    body,
    headers,
    ...(body instanceof ReadableStream ? { duplex: "half" } : {}),
  });

const hasCode = (code: MusterError["code"]) => (error: unknown) => error instanceof MusterError && error.code === code;

test("a body is read as bytes, whatever its content type says", async () => {
  const request = post('{"id":"/a"}', { "content-type": "application/x-www-form-urlencoded" });
  assert.deepEqual((await readDocument(request)).value, { id: "/a" });
  assert.equal((await readBody(post(null))).byteLength, 0);
});

test("a body that says it is too long is not read at all", async () => {
  let pulled = 0;
  const pull = () => {
    pulled += 1;
  };
  const endless = new ReadableStream({ pull }, { highWaterMark: 0 });
  await assert.rejects(readBody(post(endless, { "content-length": "2000000" })), hasCode("document.too-large"));
  assert.equal(pulled, 0);
});

test("of a body that does not say how long it is no more than the limit is taken", async () => {
  let [pulled, cancelled] = [0, false];
  const endless = new ReadableStream({
    pull(controller) {
      pulled += 1;
      controller.enqueue(new Uint8Array(100));
    },
    cancel() {
      cancelled = true;
    },
  });
  await assert.rejects(readBody(post(endless), 1_000), hasCode("document.too-large"));
  assert.ok(pulled < 15, `${pulled} chunks were taken`);
  assert.ok(cancelled);
});

test("a body at the limit passes", async () => {
  assert.equal((await readBody(post("x".repeat(1_000)), 1_000)).byteLength, 1_000);
});

test("a connection that breaks off is the client's mistake", async () => {
  const broken = new ReadableStream({ pull: (controller) => controller.error(new Error("reset")) });
  await assert.rejects(readBody(post(broken)), hasCode("json.malformed"));
});

test("documents of our own are refused with every problem and its place", () => {
  const schema = z.object({
    goal: z.enum(["run", "drain"]),
    nested: z.array(z.object({ n: z.int() })),
    names: z.array(z.string()),
  });
  const document = parseDocument('{\n  "goal": "fly",\n  "nested": [{"n": "x"}]\n}');
  assert.throws(
    () => readAs(schema, document),
    (error) => {
      assert.ok(error instanceof MusterError);
      assert.equal(error.code, "spec.type");
      assert.deepEqual(
        error.problems.map(({ path, message, line }) => [path, message, line]),
        [
          ["/goal", 'expected "run" or "drain", got the text "fly"', 2],
          ["/nested(0)/n", 'expected a number, got the text "x"', 3],
          ["/names", "expected a list, got nothing", undefined],
        ],
      );
      return true;
    },
  );
});
