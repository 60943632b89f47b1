import assert from "node:assert/strict";
import { test } from "node:test";
import { Play } from "../apps/testing/play.ts";
import { decideRollout } from "../rollout/decide.ts";
import { addAgent } from "../testing/builders.ts";
import { judgeAction } from "./judge.ts";
import { stepsOf } from "./steps.ts";

test("a deployment that fails for want of healthy instances says how many run, and what a failed check found", () => {
  const play = new Play();
  addAgent(play.state, "n1");
  play.store({ instances: 2, healthChecks: [{ protocol: "MESOS_HTTP", path: "/" }] });
  const rollout = decideRollout(play.state.snapshot(), play.health.snapshot(), "/web", null, play.at());
  play.state.commit(rollout?.decision ?? { writes: [], asserts: [] });
  play.place("/web");
  const failureOf = (...healthy: (boolean | null)[]) => {
    for (const [i, row] of play.rows("/web").entries()) {
      const message = healthy[i] === false ? "HTTP 404" : "";
      play.judge("/web", row, { healthy: healthy[i] ?? null, ready: null, message });
    }
    const deployment = play.state.snapshot().kind("deployment").get("d1")?.value;
    const action = deployment === undefined ? undefined : stepsOf(deployment)[0]?.actions[0];
    assert.ok(deployment !== undefined && action !== undefined);
    const now = play.now + 601_000;
    return judgeAction(play.state.snapshot(), play.health.snapshot(), deployment, action, now).failure;
  };
  assert.equal(
    failureOf(null, null),
    "no progress for 10 min: 0 of 2 instances are up; 2 run and are not healthy",
    "a check that has not spoken yet",
  );
  assert.match(
    failureOf(true, false) ?? "",
    /: 1 of 2 instances are up; 1 runs and is not healthy \(web\.1\.\d+: HTTP 404\)$/,
  );
});

test("a deployment that fails for want of a ready instance says what it answered", () => {
  const play = new Play();
  addAgent(play.state, "n1");
  play.store({ instances: 1, portDefinitions: [{ name: "http-api" }], readinessChecks: [{}] });
  const rollout = decideRollout(play.state.snapshot(), play.health.snapshot(), "/web", null, play.at());
  play.state.commit(rollout?.decision ?? { writes: [], asserts: [] });
  play.place("/web");
  const judged = (ready: boolean, seconds: number) => {
    for (const row of play.rows("/web"))
      play.judge("/web", row, { healthy: null, ready, message: "HTTP / on port 31000 answered 503" });
    const deployment = play.state.snapshot().kind("deployment").get("d1")?.value;
    const action = deployment === undefined ? undefined : stepsOf(deployment)[0]?.actions[0];
    assert.ok(deployment !== undefined && action !== undefined);
    const now = play.now + seconds * 1_000;
    return judgeAction(play.state.snapshot(), play.health.snapshot(), deployment, action, now);
  };
  assert.deepEqual([judged(false, 590).failure, judged(false, 590).isReached], [null, false]);
  assert.match(
    judged(false, 601).failure ?? "",
    /^no progress for 10 min: 0 of 1 instances are up; 1 runs and is not ready \(web\.0\.\d+: HTTP \/ .* answered 503\)$/,
  );
  assert.equal(judged(true, 601).isReached, true);
});
