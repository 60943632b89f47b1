import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { DEPLOYMENT_BEGINNING, keys, readApp, type Write } from "@muster/contracts";
import { purgeOldVersions } from "./old-versions.ts";
import { NOW, place, placedRow, VERSION, want, world } from "./testing/handmade-app.ts";

const by = { who: "test", from: "here" };
const { spec } = readApp({ id: "/hello", cmd: "true" });
const next: Write[] = [
  { key: keys.version("/hello", NOW), value: { app: "/hello", version: NOW, spec, by }, expect: 0 },
];

/** The app at `VERSION`, with so many older versions, a second apart. */
function aged(count: number, document: Parameters<typeof world>[0] = {}) {
  const here = world(document);
  for (let i = 1; i <= count; i += 1) {
    const version = VERSION - i * 1_000;
    here.state.put(keys.version("/hello", version), { app: "/hello", version, spec, by });
  }
  return here;
}
const purged = ({ state }: ReturnType<typeof aged>, keep: number) =>
  purgeOldVersions(state, next, keep).map(({ key, value }) => {
    assert.equal(value, null);
    return (VERSION - Number(key.split(".").at(-1))) / 1_000;
  });

describe("old versions", () => {
  test("go when a new one comes, oldest first, so that as many are left as are kept", () => {
    assert.deepEqual(purged(aged(3), 5), []);
    assert.deepEqual(purged(aged(4), 5), [4]);
    assert.deepEqual(purged(aged(6), 5), [6, 5, 4]);
    assert.deepEqual(purged(aged(40), 5), [40, 39, 38, 37, 36, 35, 34, 33, 32, 31], "a few at a time");
  });

  test("stay as long as a row, the app or its deployment names them", () => {
    const here = aged(6, { deployment: "d1", mix: { version: VERSION - 3_000, fresh: 1, kept: 1 } });
    want(here, [10]);
    place(here, [placedRow(0, { version: VERSION - 6_000 })]);
    const stand = (version: number) => ({ version, instances: 2 });
    here.state.put(keys.deployment("d1"), {
      ...DEPLOYMENT_BEGINNING,
      id: "d1",
      app: "/hello",
      action: "upgrade",
      fromVersion: null,
      version: VERSION,
      instances: 2,
      steps: [
        {
          actions: [
            { app: "/hello", action: "upgrade", from: stand(VERSION - 5_000), to: stand(VERSION), isStaged: true },
            { app: "/other", action: "upgrade", from: stand(VERSION - 4_000), to: null, isStaged: true },
          ],
        },
      ],
      startedAtMs: NOW,
      by,
      trace: null,
    });
    assert.deepEqual(purged(here, 1), [4, 2, 1]);
  });

  test("of another app whose id begins alike are not touched", () => {
    const here = aged(2);
    const version = VERSION - 9_000;
    here.state.put(keys.version("/hello/again", version), { app: "/hello/again", version, spec, by });
    assert.deepEqual(purged(here, 1), [2, 1]);
  });
});
