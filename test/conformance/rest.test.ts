/** What the REST API keeps of versions, and how a leader hands over. What each endpoint answers stands in `endpoints.test.ts`. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Service } from "@muster/runtime";
import { SimulatedFleet, until } from "@muster/testkit";
import { ask as askGateway, type Json } from "../support/ask.ts";
import { startPlane, startServices, type TestPlane } from "../support/control-plane.ts";
import { startTestGateway } from "../support/gateway.ts";

let plane: TestPlane;
let fleet: SimulatedFleet;
let gateway: Service & { http: string };

const ask = (method: string, path: string, body?: unknown) => askGateway(gateway.http, method, path, body);
const json = async (path: string) => (await ask("GET", path)).json;

before(async () => {
  plane = await startPlane();
  fleet = new SimulatedFleet(plane.operator.cluster.nats, {
    agents: 3,
    name: "sim",
    racks: 3,
    zones: 1,
    facts: "running",
  });
  await fleet.start();
  gateway = await startTestGateway(plane.server.url, { maxVersions: 3 });
  const main = { id: "/shop/db/main", cmd: "sleep 1000", cpus: 0.1, mem: 16, portDefinitions: [] };
  assert.equal((await ask("POST", "/v2/apps", main)).status, 201);
  await plane.operator.untilRunning(main.id, 1);
});
after(async () => {
  await gateway.stop();
  await fleet.stop();
  await plane.stop();
});

test("of an app's versions as many are kept as the setting says, and two of them can be compared", async () => {
  const put = async (cpus: number) => {
    const answer = await ask("PUT", "/v2/apps/shop/db/main?force=true", { cpus });
    assert.equal(answer.status, 200, answer.text);
  };
  for (const cpus of [0.11, 0.12, 0.13, 0.14, 0.15]) {
    await put(cpus);
    await until(
      async () => ((await json("/v2/apps/shop/db/main")).app as { deployments: [] }).deployments.length === 0,
      {
        withinMs: 20_000,
        what: `a deployment to ${cpus} cpus`,
      },
    );
  }
  const versions = (await json("/v2/apps/shop/db/main/versions")).versions as string[];
  assert.ok(versions.length >= 3 && versions.length <= 4, `${versions.length} versions`);
  const { changes } = await json(`/v1/apps/shop/db/main/diff?from=${versions[2]}&to=${versions[0]}`);
  assert.deepEqual(changes, [{ path: "/cpus", op: "change", old: 0.13, new: 0.15 }]);
  const before = (await json("/v1/apps/shop/db/main/diff")).changes as Json[];
  assert.deepEqual(
    before.map(({ old, new: now }) => [old, now]),
    [[0.14, 0.15]],
  );
});

describe("with two deployers", { concurrency: false }, () => {
  test("the leader that is told to go gives all its shards to the other one, and the next one gives them back", async () => {
    const second = await startServices(plane.server.url, ["deployer"]);
    try {
      const names = [plane.services.cluster.membership.process, second.cluster.membership.process];
      const held = (name: string) =>
        [...plane.operator.cluster.state.kind("term")].filter(
          ([rest, { value }]) => rest.startsWith("deployer.") && value.holder === name,
        ).length;
      const both = () => names.map(held).join(" and ");
      await until(() => names.every((name) => held(name) > 0), {
        withinMs: 15_000,
        what: () => `shared shards: ${both()}`,
      });
      const leader = async () => String((await json("/v2/leader")).leader);
      const first = await leader();
      assert.ok(names.includes(first));
      const other = names.find((name) => name !== first) as string;
      const gone = await ask("DELETE", "/v2/leader");
      assert.deepEqual([gone.status, gone.json], [200, { message: "Leadership abdicated" }]);
      await until(() => held(first) === 0, { withinMs: 15_000, what: () => `no shards with ${first}: ${both()}` });
      assert.equal(await leader(), other);
      assert.equal((await ask("POST", "/v2/apps", { id: "/meanwhile", cmd: "sleep 9" })).status, 201);
      await plane.operator.untilRunning("/meanwhile", 1);
      assert.equal((await ask("DELETE", "/v2/leader")).status, 200);
      await until(() => held(other) === 0, { withinMs: 15_000, what: () => `no shards with ${other}: ${both()}` });
      assert.equal(await leader(), first);
    } finally {
      await second.stop();
    }
  });
});
