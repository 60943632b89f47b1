import assert from "node:assert/strict";
import { test } from "node:test";
import { Hono } from "hono";
import type { Env } from "./route.ts";
import { listReply } from "./stream.ts";

const ask = (items: Iterable<unknown>) =>
  new Hono<Env>().get("/", (c) => listReply(c, "items", items)).request("/") as Promise<Response>;

function* slow(count: number, ms: number): Generator<{ i: number; text: string }> {
  for (let i = 0; i < count; i += 1) {
    const until = performance.now() + ms;
    while (performance.now() < until);
    yield { i, text: "ä" };
  }
}

test("a list is whole, however many slices it took", async () => {
  assert.deepEqual(await (await ask([])).json(), { items: [] });
  assert.deepEqual(await (await ask([{ a: 1 }])).json(), { items: [{ a: 1 }] });
  const { items } = (await (await ask(slow(60, 1))).json()) as { items: { i: number; text: string }[] };
  assert.deepEqual(
    items.map(({ i }) => i),
    Array.from({ length: 60 }, (_, i) => i),
  );
  assert.ok(items.every(({ text }) => text === "ä"));
});

test("others are served while a long list is made", async () => {
  let turns = 0;
  const timer = setInterval(() => {
    turns += 1;
  }, 1);
  await (await ask(slow(100, 2))).text();
  clearInterval(timer);
  assert.ok(turns >= 8, `${turns} turns in 200 ms of work`);
});

test("what fails at once is thrown, what fails later ends the body, and nobody takes it for the whole", async () => {
  function* failing(after: number): Generator<object> {
    yield* slow(after, 1);
    throw new Error("no more");
  }
  assert.equal((await ask(failing(0))).status, 500);
  const late = await ask(failing(50));
  assert.equal(late.status, 200);
  await assert.rejects(late.text());
});
