import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type AppDocument, type DeploymentDocument, keys } from "@muster/contracts";
import { clusterView } from "../reports/agents.ts";
import { appInfo } from "../reports/app-info.ts";
import { whyOf } from "../reports/why.ts";
import { decideRestart, decideScale, decideUpdate } from "./decide.ts";
import { judge, NOW, offer, place, placedRow, wait, want, world } from "./testing/handmade-app.ts";
import { asked, at, commit, documentOf, read, refusedWith, standing } from "./testing/handmade-requests.ts";

const GLOBAL = { placement: { global: true } };

describe("numbers that an app cannot have", () => {
  test("an app on every agent is not scaled by number, neither up nor down nor to what it has", () => {
    const state = standing(GLOBAL);
    for (const instances of [0, 1, 5])
      assert.throws(
        () => decideScale(state, asked("d1"), instances, at),
        refusedWith("spec.invalid", "/web has one instance on every agent"),
      );
  });

  test("a gang is scaled to as many as one commit holds and no further", () => {
    const state = standing({ placement: { gang: true }, instances: 2 });
    assert.throws(
      () => decideScale(state, asked("d1"), 401, at),
      refusedWith("spec.invalid", "at most 400", "got 401"),
    );
    commit(state, decideScale(state, asked("d1"), 400, at));
    assert.equal(documentOf(state).instances, 400);
  });

  test("a whole app that says both is no scaling: the number is understood as the reader says", () => {
    const state = standing(GLOBAL);
    const update = { read: () => read({ ...GLOBAL, instances: 5 }), mustExist: false };
    const { decision, answer } = decideUpdate(state, asked("d1"), update, at);
    assert.deepEqual(decision.writes, []);
    assert.match(answer.warnings[0]?.message ?? "", /ignored/);
  });
});

describe("instances of an app on every agent", () => {
  function everywhere() {
    const here = world({ instances: 1 }, { ...GLOBAL, constraints: [["rack", "IS", "r1"]] });
    for (const [agent, rack] of [
      ["n1", "r1"],
      ["n2", "r2"],
      ["n3", "r1"],
    ] as const)
      offer(here, agent, { attributes: { rack: { type: "text", value: rack } } });
    return here;
  }

  test("are as many as there are eligible agents, wherever they are shown", () => {
    const { state, health } = everywhere();
    const info = appInfo(state, health, "/hello", { tasks: false, lastTaskFailure: false });
    assert.equal(info?.instances, 2);
    assert.equal(clusterView(state, health, []).instances.wanted, 2);
    assert.equal(whyOf(state, health, { app: "/hello" }, NOW).wanted, 2);
  });

  test("are told with a change of it", () => {
    const { state } = everywhere();
    const { decision } = decideRestart(state, { ...asked("d1"), app: "/hello" }, at);
    const deployment = decision.writes.find(({ key }) => key === keys.deployment("d1"))?.value as DeploymentDocument;
    assert.equal(deployment.instances, 2);
    assert.deepEqual(
      decision.events.map(({ data }) => (data as { instances: number }).instances),
      [2, 2],
    );
    const app = decision.writes.find(({ key }) => key === keys.app("/hello"))?.value as AppDocument;
    assert.equal(app.instances, 1, "what its version says");
  });

  test("one of two is not all, two of two are", () => {
    const here = everywhere();
    want(here, [10, 11]);
    place(here, [placedRow(0)]);
    judge(here, 0, "running");
    const why = () => whyOf(here.state, here.health, { app: "/hello" }, NOW);
    assert.equal(why().status, "deploying");
    wait(here);
    assert.equal(why().status, "waiting");
    place(here, [placedRow(0), placedRow(1, { agent: "n3" })]);
    judge(here, 1, "running");
    assert.equal(why().status, "running");
  });

  test("where no agent may run it, nothing is missing, and that is said", () => {
    const here = world({ instances: 1 }, { ...GLOBAL, constraints: [["rack", "IS", "r9"]] });
    const { status, summary } = whyOf(here.state, here.health, { app: "/hello" }, NOW);
    assert.deepEqual([status, summary], ["running", "hello runs on every agent that may run it, and there is none"]);
  });
});
