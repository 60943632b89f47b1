import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { keys, MusterError } from "@muster/contracts";
import {
  endedRow,
  judge,
  NOW,
  offer,
  place,
  placedRow,
  VERSION,
  type World,
  wait,
  want,
  world,
} from "../apps/testing/handmade-app.ts";
import { spanText } from "../apps/time.ts";
import { Deploying } from "../deployment/testing/deploying.ts";
import { runningVerdict } from "../testing/builders.ts";
import { findInstance, instancesOf } from "./instances.ts";
import { type WhyQuestion, whyOf } from "./why.ts";

describe("instances", () => {
  test("wish, placement, verdict and end are joined into one row each", () => {
    const here = world();
    offer(here, "n1");
    want(here, [10, 11, 12]);
    place(
      here,
      [placedRow(0), placedRow(1, { agent: "gone" })],
      [endedRow(7)],
      [endedRow(8, { signal: "SIGKILL", exitCode: null, reason: "out-of-memory" })],
    );
    judge(here, 0, "running", { healthy: true });
    wait(here);
    const seen = instancesOf(here.state, here.health, { app: "/hello", ended: true });
    assert.deepEqual(
      seen.map(({ id, state, agent, host, sinceMs, message }) => ({
        id,
        state,
        agent,
        host,
        ago: NOW - (sinceMs ?? 0),
        message,
      })),
      [
        {
          id: "hello.0.7",
          state: "failed",
          agent: "n1",
          host: "n1.example",
          ago: 5_000,
          message: "exited with code 1",
        },
        {
          id: "hello.0.8",
          state: "failed",
          agent: "n1",
          host: "n1.example",
          ago: 5_000,
          message: "ended by signal SIGKILL: out-of-memory",
        },
        { id: "hello.0.10", state: "running", agent: "n1", host: "n1.example", ago: 12_000, message: "" },
        { id: "hello.1.11", state: "placed", agent: "gone", host: "gone", ago: 20_000, message: "" },
        { id: "hello.2.12", state: "waiting", agent: null, host: null, ago: 12_000, message: "" },
      ],
    );
    assert.equal(instancesOf(here.state, here.health, {}).length, 3);
  });

  test("one that has ended and whose wish still stands is told once and waits no more", () => {
    const here = world();
    want(here, [10]);
    place(here, [], [endedRow(10)], [endedRow(10)]);
    assert.equal(instancesOf(here.state, here.health, { app: "/hello", ended: true }).length, 1);
    assert.equal(instancesOf(here.state, here.health, { app: "/hello" }).length, 0);
  });

  test("one of an older version is good for the app's own where nothing had to restart, ended or not", () => {
    const made = { restart: VERSION, label: VERSION + 1, scale: VERSION + 2 };
    const here = world({ version: made.scale });
    const { value } = here.state.kind("version").get(`hello.${VERSION}`) ?? {};
    for (const version of [made.label, made.scale])
      here.state.put(keys.version("/hello", version), { ...value, version, config: made.label });
    want(here, [10, 11]);
    place(
      here,
      [placedRow(0), placedRow(1, { version: made.label })],
      [endedRow(8), endedRow(9, { version: made.label })],
    );
    const goodFor = () =>
      instancesOf(here.state, here.health, { app: "/hello", ended: true }).map((one) => [one.id, one.goodFor]);
    assert.deepEqual(goodFor(), [
      ["hello.0.8", null],
      ["hello.0.9", made.scale],
      ["hello.0.10", null],
      ["hello.1.11", made.scale],
    ]);
    here.state.put(keys.app("/hello"), null);
    assert.ok(goodFor().every(([, version]) => version === null));
  });

  test("a beginning of an id that only one has is enough", () => {
    const here = world();
    place(here, [placedRow(0), placedRow(1), placedRow(1, { attempt: 110 })]);
    const find = (text: string) => findInstance(here.state, here.health, text).id;
    assert.equal(find("hello.0"), "hello.0.10");
    assert.equal(find("hello.1.11"), "hello.1.11", "a whole id is not a beginning");
    for (const [text, code] of [
      ["hello.1", "id.ambiguous"],
      ["hel", "id.ambiguous"],
      ["other.0.1", "instance.unknown"],
      ["", "instance.unknown"],
    ] as const) {
      assert.throws(
        () => find(text),
        (error) => error instanceof MusterError && error.code === code,
        text,
      );
    }
  });
});

describe("why", () => {
  const summary = ({ state, health }: World) => whyOf(state, health, { app: "/hello" }, NOW);

  test("waiting: who refused, for which reason, what came closest, what would help, since when", () => {
    const here = world();
    want(here, [10, 11]);
    place(here, [placedRow(0)]);
    judge(here, 0, "running");
    wait(here);
    const why = summary(here);
    assert.equal(why.status, "waiting");
    const funnel =
      "hello needs 1 more: of 3 agents 2 refused by constraints (rack is rack-1, rack-2 asked), 1 by cpus (needs 0.5 cpus, 0.2 free)";
    const closest = "closest n3: needs 0.5 cpus, 0.2 free";
    assert.equal(why.summary, `${funnel}; ${closest}; waiting since 12 s`);
    wait(here, { wouldFitIf: ["there were one more agent like n3", "the gate of 2 agents were open"] });
    assert.equal(
      summary(here).summary,
      `${funnel}; ${closest}; would fit if there were one more agent like n3, or if the gate of 2 agents were open; waiting since 12 s`,
    );
    wait(here, {
      wouldFitIf: ["there were one more agent like n3", "2 agents would take it without rack CLUSTER rack-2"],
    });
    assert.equal(
      summary(here).summary,
      `${funnel}; ${closest}; would fit if there were one more agent like n3; 2 agents would take it without rack CLUSTER rack-2; waiting since 12 s`,
    );
    wait(here, { nearest: null, refusals: [], agentsSeen: 0 });
    assert.equal(summary(here).summary, "hello needs 1 more: there are no agents yet; waiting since 12 s");
  });

  test("a gang says how many of its members fit, and what it holds or may hold", () => {
    const here = world();
    want(here, [10, 11]);
    const cpus = { check: "cpus", agents: 2, reason: "needs 3 cpus, 1 free" } as const;
    const gang = { check: "gang", agents: 1, reason: "1 of 2 members fit at once" } as const;
    wait(here, { count: 2, refusals: [cpus, gang], nearest: null, holdFromMs: NOW + 18_000 });
    const told =
      "hello is placed whole or not at all: 1 of 2 members fit at once; of 3 agents 2 refused by cpus (needs 3 cpus, 1 free), 1 with room for a member";
    assert.equal(summary(here).summary, `${told}; it may hold what is free for it in 18 s; waiting since 12 s`);
    const hold = { app: "/hello", version: VERSION, members: { n1: 1 }, sinceMs: NOW, untilMs: NOW + 200_000 };
    here.state.put(keys.hold, hold);
    assert.equal(
      summary(here).summary,
      `${told}; it holds capacity for 1 member on n1 for another 3 min 20 s; waiting since 12 s`,
    );
    assert.deepEqual(summary(here).hold, hold);
    here.state.put(keys.hold, { ...hold, app: "/train" });
    assert.match(summary(here).summary, /; train holds capacity for another 3 min 20 s; waiting/);
    here.state.put(keys.hold, { ...hold, untilMs: NOW });
    assert.equal(summary(here).hold, null, "a hold that has run out holds nothing");
  });

  test("delayed: how often it failed, how it failed last, when it is tried again", () => {
    const here = world({ instances: 1 });
    want(here, [], { backoffs: [{ version: VERSION, failures: 3, delayMs: 4_000, untilMs: NOW + 4_000 }] });
    place(here, [], [endedRow(9)]);
    const why = summary(here);
    assert.equal(why.status, "delayed");
    assert.deepEqual(why.delay, { failures: 3, untilMs: NOW + 4_000 });
    assert.equal(why.lastFailure?.id, "hello.0.9");
    assert.equal(
      why.summary,
      "hello failed 3 times in a row (last: exited with code 1 on n1): the next attempt is due in 4 s",
    );
  });

  test("failures from before delay nothing where no attempt is to follow", () => {
    const backoffs = [{ version: VERSION, failures: 2, delayMs: 29_000, untilMs: NOW + 29_000 }];
    const mix = { version: VERSION - 1, fresh: 1, kept: 1 };
    for (const [about, document, attempts, level, isDelayed] of [
      ["stopped", { instances: 0 }, [], "running", false],
      ["being deleted", { instances: 0, goal: "deleted" }, [], "running", false],
      ["all stand", { instances: 2 }, [10, 11], "running", false],
      ["all are on their way", { instances: 2 }, [10, 11], "starting", false],
      ["all that are to be new stand", { instances: 2, mix }, [10], "running", false],
      ["one is missing", { instances: 2 }, [10], "running", true],
      ["one is silent", { instances: 1 }, [10], "unreachable", true],
      ["one is being killed", { instances: 1 }, [10], "killing", true],
    ] as const) {
      const here = world(document);
      want(here, attempts, { backoffs });
      place(
        here,
        attempts.map((_, slot) => placedRow(slot)),
        [endedRow(8), endedRow(9)],
      );
      for (const slot of attempts.keys()) judge(here, slot, level);
      const { delay, status } = summary(here);
      assert.equal(delay !== null, isDelayed, about);
      assert.equal(status === "delayed", isDelayed, about);
    }
  });

  test("unhealthy, deploying, running and stopped are told apart", () => {
    const here = world();
    want(here, [10, 11]);
    place(here, [placedRow(0), placedRow(1)]);
    judge(here, 0, "running", { healthy: true });
    assert.equal(summary(here).status, "deploying");
    assert.equal(summary(here).summary, "hello is starting: 1 of 2 instances running, 1 placed");
    judge(here, 1, "running", { healthy: true });
    assert.equal(summary(here).summary, "hello runs as asked: 2 instances, 2 healthy");
    assert.equal(summary(here).status, "running");
    judge(here, 1, "running", { healthy: false, message: "status 500" });
    assert.equal(summary(here).status, "unhealthy");
    assert.equal(
      summary(here).summary,
      "1 of 2 instances of hello fails its health checks (hello.1.11 on n1: status 500)",
    );
    const stopped = world({ instances: 0 });
    assert.equal(summary(stopped).status, "stopped");
    const deleted = world({ instances: 0, goal: "deleted" });
    place(deleted, [placedRow(0)]);
    judge(deleted, 0, "killing");
    assert.equal(summary(deleted).status, "deploying");
    assert.equal(summary(deleted).summary, "hello is being deleted: 1 instance left");
  });

  test("an instance that runs and is not ready yet says so, with what it answered", () => {
    const ports = { ports: null, portDefinitions: [{ port: 10_000, name: "http-api" }] };
    const here = world({}, { ...ports, readinessChecks: [{}] });
    want(here, [10, 11]);
    place(here, [placedRow(0), placedRow(1)]);
    judge(here, 0, "running", { ready: true });
    judge(here, 1, "running");
    assert.equal(summary(here).status, "deploying");
    assert.equal(summary(here).summary, "hello is starting: 2 of 2 instances running, 1 not ready yet");
    judge(here, 1, "running", { ready: false, reason: "not-ready", message: "HTTP / answered 503" });
    assert.equal(
      summary(here).summary,
      "hello is starting: 2 of 2 instances running, 1 not ready yet; hello.1.11 on n1: HTTP / answered 503",
    );
    const one = whyOf(here.state, here.health, { instance: "hello.1" }, NOW);
    assert.match(one.summary, /^hello.1.11 is running on n1 since 12 s and is not ready yet: HTTP/);
    judge(here, 1, "running", { ready: true });
    assert.equal(summary(here).summary, "hello runs as asked: 2 instances");
  });

  test("new instances that run and are not healthy yet are told, and how the checks ended one before them", () => {
    const deploying = new Deploying();
    deploying.agent("n1");
    deploying.put("/web", { instances: 1, cmd: "a" });
    deploying.settle();
    const id = deploying.put("/web", {
      instances: 1,
      cmd: "b",
      healthChecks: [{ protocol: "TCP", port: 8080 }],
    }) as string;
    deploying.rollout("/web");
    deploying.place("/web");
    const fresh = deploying.placed("/web").find(({ version }) => version === deploying.deployment(id).version);
    assert.ok(fresh !== undefined);
    const verdict = { ...runningVerdict("/web", fresh, deploying.now), healthy: null };
    deploying.health.write(keys.verdict({ app: "/web", ...fresh }), verdict);
    const why = (question: WhyQuestion) =>
      whyOf(deploying.state.snapshot(), deploying.health.snapshot(), question, deploying.now).summary;
    const told = "web is being changed (upgrade): 2 of 1 instance running, 1 not healthy yet";
    assert.equal(why({ app: "/web" }), told);
    assert.match(
      why({ instance: verdict.instance }),
      /^web\.\d\.\d+ is running on n1 since 0 s and is not healthy yet$/,
    );
    const placed = deploying.state.snapshot().kind("placed").get("web")?.value;
    assert.ok(placed !== undefined);
    const ended = { state: "killed", reason: "health-check", message: "health check failed: HTTP 404" } as const;
    for (const [version, more] of [
      [fresh.version - 1, ""],
      [fresh.version, "; last failure: health check failed: HTTP 404 on n1"],
    ] as const) {
      deploying.state.write(keys.placed("/web"), { ...placed, history: [endedRow(5, { ...ended, version })] });
      assert.equal(why({ app: "/web" }), `${told}${more}`);
    }
  });

  test("an instance is asked about by a beginning of its id", () => {
    const here = world();
    place(here, [placedRow(0)]);
    judge(here, 0, "unreachable");
    const why = whyOf(here.state, here.health, { instance: "hello.0" }, NOW);
    assert.equal(why.summary, "hello.0.10 is unreachable since 12 s: its agent n1 is silent");
  });

  test("who is unknown is named", () => {
    const here = world();
    const code = (expected: string) => (error: unknown) => error instanceof MusterError && error.code === expected;
    assert.throws(() => whyOf(here.state, here.health, { app: "/x" }, NOW), code("app.unknown"));
    assert.throws(() => whyOf(here.state, here.health, { instance: "x.0.1" }, NOW), code("instance.unknown"));
  });
});

test("spans of time are told in their two largest units", () => {
  const cases = [
    [-5, "0 s"],
    [0, "0 s"],
    [12_400, "12 s"],
    [60_000, "1 min"],
    [185_000, "3 min 5 s"],
    [7_440_000, "2 h 4 min"],
    [90_000_000, "1 d 1 h"],
  ] as const;
  for (const [ms, text] of cases) assert.equal(spanText(ms), text, String(ms));
});
