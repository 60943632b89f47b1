import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type AppSpec, keys, MusterError, readApp } from "@muster/contracts";
import { currentApp, versionsOf } from "./current.ts";
import { decideCreate, decideDelete, decideRestart, decideScale, decideUpdate } from "./decide.ts";
import { rejection } from "./rejection.ts";
import {
  asked,
  at,
  commit,
  deploymentOf,
  documentOf,
  end,
  NOW,
  read,
  refusedWith,
  specOf,
  standing,
  update,
} from "./testing/handmade-requests.ts";
import { handmadeState } from "./testing/handmade-view.ts";

describe("create", () => {
  test("an app, its version, its path, its deployment and what is told of them are one batch", () => {
    const state = handmadeState();
    const { decision, answer } = commit(state, decideCreate(state, asked("d1"), read({ instances: 3 }), at));
    assert.deepEqual(answer, { version: NOW, deployment: "d1", isNew: true, warnings: [] });
    assert.deepEqual(
      decision.writes.map((write) => [write.key, write.expect]),
      [
        ["app.web", 0],
        [`version.web.${NOW}`, 0],
        ["path.web", 0],
        ["port.10000", 0],
        ["deployment.d1", 0],
      ],
    );
    const { trace } = asked("d1");
    assert.deepEqual(documentOf(state), {
      id: "/web",
      version: NOW,
      instances: 3,
      goal: "run",
      deployment: "d1",
      mix: null,
      createdAtMs: NOW,
      scaledAtMs: NOW,
      trace,
    });
    assert.equal(deploymentOf(state, "d1").action, "start");
    assert.equal(deploymentOf(state, "d1").trace, trace);
    assert.equal(decision.trace, trace);
    assert.deepEqual(
      state.told.map(({ type, id }) => [type, id]),
      [
        ["muster.app.accepted", "d1-accepted"],
        ["muster.deployment.started", "d1-started"],
      ],
    );
  });

  test("a second run finds the first one's work and changes nothing", () => {
    const state = handmadeState();
    const first = commit(state, decideCreate(state, asked("d1"), read({}), at));
    const second = decideCreate(state, asked("d1"), read({}), { ...at, now: NOW + 5 });
    assert.deepEqual(second.decision.writes, []);
    assert.deepEqual(second.decision.events, []);
    assert.deepEqual(second.answer, first.answer);
  });

  test("an id that is taken is refused", () => {
    const state = standing();
    assert.throws(() => decideCreate(state, asked("d1"), read({}), at), refusedWith("app.exists", "/web"));
    assert.throws(() => decideCreate(state, asked("d1", { force: true }), read({}), at), refusedWith("app.exists"));
  });

  test("a group's path is refused", () => {
    const state = handmadeState();
    state.put(keys.path("/web"), { kind: "group", owner: "/web" });
    assert.throws(() => decideCreate(state, asked("d1"), read({}), at), refusedWith("app.exists", "group"));
  });

  test("an app that is being deleted is refused; forced, the same record goes on", () => {
    const state = standing();
    commit(state, decideDelete(state, asked("d1"), at));
    assert.throws(() => decideCreate(state, asked("d2"), read({}), at), refusedWith("app.deleting", "?force=true"));
    commit(state, decideCreate(state, asked("d2", { force: true }), read({ instances: 2 }), { ...at, now: NOW + 9 }));
    assert.equal(documentOf(state).goal, "run");
    assert.equal(documentOf(state).createdAtMs, NOW);
    assert.equal(documentOf(state).instances, 2);
    assert.equal(deploymentOf(state, "d2").action, "start");
    assert.equal(deploymentOf(state, "d1").state, "superseded");
  });

  test("a claim whose app is gone is written anew, so that it cannot be purged from under the new app", () => {
    const state = handmadeState();
    state.put(keys.path("/web"), { kind: "app", owner: "/web" });
    const { decision } = decideCreate(state, asked("d1"), read({}), at);
    const claim = decision.writes.find((write) => write.key === "path.web");
    assert.equal(claim?.expect, state.revision("path.web"));
  });
});

describe("update", () => {
  test("what is asked for already changes nothing, even while its deployment runs", () => {
    for (const state of [standing({ instances: 2 }), handmadeState()]) {
      if (currentApp(state, "/web") === null)
        commit(state, decideCreate(state, asked("d0"), read({ instances: 2 }), at));
      const { decision, answer } = update(state, asked("d1"), { instances: 2 });
      assert.deepEqual(decision.writes, []);
      assert.deepEqual(decision.events, []);
      assert.equal(answer.deployment, documentOf(state).deployment);
      assert.equal(answer.version, documentOf(state).version);
    }
  });

  test("who goes back to a version waits for no stages", () => {
    const canary = { rollout: { strategy: "canary" }, instances: 3 } as const;
    for (const isAtOnce of [true, false]) {
      const state = standing({ instances: 3 });
      const rules = { read: () => read({ ...canary, cmd: "sleep 10" }), mustExist: true, isAtOnce };
      commit(state, decideUpdate(state, asked("d1"), rules, at));
      assert.deepEqual(
        [deploymentOf(state, "d1").steps[0]?.actions[0]?.isStaged, documentOf(state).mix === null],
        [!isAtOnce, isAtOnce],
      );
    }
  });

  test("whoever published a spec hears that nothing had to change", () => {
    const state = standing();
    const { decision } = update(state, asked("submit-7", { submitted: 7 }), {});
    assert.deepEqual(decision.writes, []);
    const [event] = decision.events;
    assert.equal(event?.type, "muster.app.accepted");
    assert.equal(event?.data && "submitted" in event.data ? event.data.submitted : null, 7);
  });

  test("another count of instances alone is a scaling: the version stays", () => {
    const state = standing({ instances: 2 });
    const { decision, answer } = commit(state, update(state, asked("d1"), { instances: 5 }, NOW + 9));
    assert.equal(answer.version, NOW);
    assert.deepEqual(
      decision.writes.map((write) => write.key),
      ["app.web", "deployment.d1"],
    );
    assert.equal(deploymentOf(state, "d1").action, "scale");
    assert.equal(documentOf(state).scaledAtMs, NOW + 9);
    assert.equal(specOf(state).instances, 5);
    end(state);
    assert.deepEqual(update(state, asked("d2"), { instances: 5 }).decision.writes, []);
    assert.equal(
      commit(state, update(state, asked("d3"), { instances: 5, cpus: 2 }, NOW + 20)).answer.version,
      NOW + 20,
    );
    assert.equal(documentOf(state).scaledAtMs, NOW + 20, "lastScalingAt is the time of a new version too");
  });

  test("anything else is a new version, later than the one before whatever the clock says", () => {
    const state = standing();
    const { answer } = commit(state, update(state, asked("d1"), { cmd: "sleep 10" }, NOW - 1_000));
    assert.equal(answer.version, NOW + 1);
    assert.equal(deploymentOf(state, "d1").action, "upgrade");
    assert.equal(deploymentOf(state, "d1").fromVersion, NOW);
    assert.deepEqual(versionsOf(state, "/web"), [NOW + 1, NOW]);
  });

  test("a version that an app of this path had before is not used again", () => {
    const state = handmadeState();
    state.put(keys.version("/web", NOW), { app: "/web", version: NOW, spec: read({}).spec, by: asked("x").by });
    assert.equal(commit(state, decideCreate(state, asked("d1"), read({}), at)).answer.version, NOW + 1);
  });

  test("a running deployment locks the app and is named", () => {
    const state = handmadeState();
    commit(state, decideCreate(state, asked("d1"), read({}), at));
    const isLocked = (error: unknown) => {
      refusedWith("app.locked", "d1", "?force=true")(error);
      assert.deepEqual((error as MusterError).deployments, ["d1"]);
      return true;
    };
    assert.throws(() => update(state, asked("d2"), { cmd: "sleep 10" }), isLocked);
    assert.throws(() => update(state, asked("d2"), { instances: 4 }), isLocked);
    assert.throws(() => decideScale(state, asked("d2"), 4, at), isLocked);
    assert.throws(() => decideRestart(state, asked("d2"), at), isLocked);
    assert.throws(() => decideDelete(state, asked("d2"), at), isLocked);
  });

  test("forced, it overtakes the running deployment in the same batch", () => {
    const state = handmadeState();
    commit(state, decideCreate(state, asked("d1"), read({}), at));
    const { decision } = commit(state, update(state, asked("d2", { force: true }), { cmd: "sleep 10" }, NOW + 7));
    const overtaken = decision.writes.find((write) => write.key === "deployment.d1");
    assert.ok(overtaken?.ttlMs !== undefined && overtaken.expect !== null && overtaken.expect > 0);
    const { state: state1, endedAtMs, message } = deploymentOf(state, "d1");
    assert.deepEqual([state1, endedAtMs], ["superseded", NOW + 7]);
    assert.ok(message?.includes("d2"));
    assert.equal(documentOf(state).deployment, "d2");
    const ended = state.told.find((event) => event.type === "muster.deployment.ended");
    assert.equal(ended?.subject, "d1");
  });

  test("a change decided on an older state loses its batch", () => {
    const state = standing();
    const slow = update(state, asked("d1"), { cmd: "sleep 10" });
    commit(state, update(state, asked("d2"), { cmd: "sleep 11" }, NOW + 1));
    assert.throws(() => state.commit(slow.decision), /app\.web/);
  });

  test("PATCH asks for an app that exists", () => {
    const rules = { read: () => read({}), mustExist: true };
    assert.throws(() => decideUpdate(handmadeState(), asked("d1"), rules, at), refusedWith("app.unknown", "/web"));
  });

  test("the reader sees the app with the instances it has now", () => {
    const state = standing({ instances: 2 });
    commit(state, decideScale(state, asked("d1"), 7, at));
    let seen: AppSpec | null = null;
    const reader = (current: AppSpec | null) => {
      seen = current;
      return read({ instances: 7 });
    };
    decideUpdate(state, asked("d2"), { read: reader, mustExist: false }, at);
    assert.equal((seen as AppSpec | null)?.instances, 7);
  });

  test("an app whose version cannot be read can be changed as a whole", () => {
    const state = standing();
    state.put(keys.version("/web", NOW), null);
    assert.equal(currentApp(state, "/web")?.spec, null);
    const { answer } = commit(state, update(state, asked("d1"), { cmd: "sleep 10" }, NOW));
    assert.equal(answer.version, NOW + 1);
  });
});

describe("restart and delete", () => {
  test("a restart is a new version of the same spec", () => {
    const state = standing({ instances: 3 });
    const before = specOf(state);
    const { answer } = commit(state, decideRestart(state, asked("d1"), at));
    assert.equal(answer.version, NOW + 1);
    assert.deepEqual(specOf(state), before);
    assert.equal(deploymentOf(state, "d1").action, "restart");
  });

  test("a deletion keeps the record until the last instance has ended, and happens once", () => {
    const state = standing({ instances: 3 });
    const { answer, decision } = commit(state, decideDelete(state, asked("d1"), at));
    assert.equal(answer.deployment, "d1");
    assert.deepEqual([documentOf(state).goal, documentOf(state).instances], ["deleted", 0]);
    assert.equal(deploymentOf(state, "d1").action, "delete");
    assert.deepEqual(
      decision.events.map((event) => event.type),
      ["muster.deployment.started"],
    );
    assert.deepEqual(decideDelete(state, asked("d2"), at).decision.writes, []);
    for (const force of [false, true]) {
      assert.throws(() => decideScale(state, asked("d2", { force }), 3, at), refusedWith("app.deleting"));
      assert.throws(() => decideRestart(state, asked("d2", { force }), at), refusedWith("app.deleting"));
    }
  });

  test("an unknown app is named", () => {
    for (const decide of [decideDelete, decideRestart]) {
      assert.throws(() => decide(handmadeState(), asked("d1"), at), refusedWith("app.unknown", "'/web'"));
    }
  });

  test("a text with the token of another app is not that app", () => {
    const state = handmadeState();
    const nested = readApp({ id: "/a/b", cmd: "sleep 9" });
    commit(state, decideCreate(state, asked("d1", { app: "/a/b" }), nested, at));
    assert.throws(() => decideDelete(state, asked("d2", { app: "/a_b", force: true }), at), refusedWith("app.unknown"));
  });
});

test("a refusal tells the list of problems, under an id that a second run tells again", () => {
  const problems = [{ path: "/cpus", message: "expected a number", line: 2, column: 3 }];
  const error = new MusterError("spec.type", "no", { problems });
  const { events, writes, trace } = rejection({
    sequence: 9,
    messageId: "m",
    subject: "muster.submit.app",
    error,
    trace: "t",
  });
  assert.deepEqual(writes, []);
  assert.equal(trace, "t");
  assert.deepEqual(events, [
    {
      type: "muster.submit.rejected",
      subject: "9",
      id: "9",
      data: {
        sequence: 9,
        messageId: "m",
        subject: "muster.submit.app",
        status: 422,
        code: "spec.type",
        message: "no",
        problems,
      },
    },
  ]);
});
