import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { until } from "@muster/testkit";
import { namesOf } from "./host/docker/images.ts";
import { followImages } from "./images.ts";
import { IMAGES_TOLD_MAX } from "./limits.ts";

async function followed(t: TestContext, { tellMs = 0, everyMs = 3_600_000 } = {}) {
  const world = { has: ["a:1"] as readonly string[] | null, told: [] as (readonly string[])[], looks: 0 };
  const images = await followImages({
    look: async () => {
      world.looks += 1;
      return world.has;
    },
    onChange: () => world.told.push(images.names),
    tellMs,
    everyMs,
  });
  t.after(() => images.stop());
  return { world, images };
}

test("what the first look finds is known to the first report, and is no change", async (t) => {
  const { world, images } = await followed(t);
  assert.deepEqual(images.names, ["a:1"]);
  images.look();
  await until(() => world.looks === 2);
  assert.deepEqual(world.told, []);
});

test("a change is told at once, the next one only when the pause is over, and then as it is", async (t) => {
  const { world, images } = await followed(t, { tellMs: 300 });
  const pulled = (...names: string[]) => {
    world.has = names;
    images.look();
  };
  pulled("a:1", "b:1");
  await until(() => world.told.length === 1);
  const firstAtMs = performance.now();
  for (const name of ["c:1", "d:1", "e:1"]) pulled("a:1", name);
  await until(() => world.told.length === 2);
  assert.ok(performance.now() - firstAtMs > 250);
  assert.deepEqual(world.told, [
    ["a:1", "b:1"],
    ["a:1", "e:1"],
  ]);
});

test("a list that comes back to what was told is not told again", async (t) => {
  const { world, images } = await followed(t, { tellMs: 100 });
  const see = async (...names: string[]) => {
    const { looks } = world;
    world.has = names;
    images.look();
    await until(() => world.looks === looks + 1);
  };
  await see("b:1");
  await until(() => world.told.length === 1);
  await see("c:1");
  await see("b:1");
  await until(() => images.names[0] === "b:1");
  await new Promise((resolve) => setTimeout(resolve, 150));
  await see("d:1");
  await until(() => world.told.length === 2);
  assert.deepEqual(world.told, [["b:1"], ["d:1"]]);
});

test("an engine that does not answer changes nothing, and is asked again", async (t) => {
  const { world, images } = await followed(t, { everyMs: 20 });
  world.has = null;
  await until(() => world.looks > 2);
  assert.deepEqual([images.names, world.told], [["a:1"], []]);
  world.has = ["b:1"];
  await until(() => world.told.length === 1);
  assert.deepEqual(images.names, ["b:1"]);
});

test("images are told by every tag they have, the newest of too many, without those that lost their tag", () => {
  const listed = [
    { Created: 1, RepoTags: ["old:1"] },
    { Created: 3, RepoTags: ["b:1", "a:1"] },
    { Created: 2, RepoTags: ["<none>:<none>"] },
    { Created: 2, RepoTags: undefined },
  ];
  assert.deepEqual(namesOf(listed), ["a:1", "b:1", "old:1"]);
  const many = Array.from({ length: IMAGES_TOLD_MAX }, (_, i) => ({ Created: 2, RepoTags: [`n:${i}`] }));
  const names = namesOf([...listed, ...many]);
  assert.equal(names.length, IMAGES_TOLD_MAX);
  assert.ok(names.includes("a:1") && !names.includes("old:1"));
});
