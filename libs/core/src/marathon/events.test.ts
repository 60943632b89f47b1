import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type CloudEvent, cloudEvent, DEPLOYMENT_BEGINNING, type Fact, keys, readApp } from "@muster/contracts";
import { handmadeState } from "../apps/testing/handmade-view.ts";
import { offerOf } from "../testing/builders.ts";
import { MARATHON_EVENT_TYPES, type MarathonEvent } from "./event.ts";
import { marathonEvents } from "./events.ts";

const AT = Date.parse("2026-11-20T13:19:00.000Z");
const V1 = Date.parse("2026-11-20T13:00:00.000Z");
const V2 = Date.parse("2026-11-20T13:18:00.000Z");
const [T, ISO1, ISO2] = ["2026-11-20T13:19:00.000Z", "2026-11-20T13:00:00.000Z", "2026-11-20T13:18:00.000Z"];
const BY = { who: "http", from: "10.0.0.7:53211" };
const CHECK = { protocol: "TCP", portIndex: 0 };
const HTTP_CHECK = { protocol: "HTTP", path: "/health", portIndex: 0 };

const event = (type: string, data: unknown, subject = "x"): CloudEvent =>
  cloudEvent({ type, id: "e1", subject, data }, { source: "/test", atMs: AT, traceparent: null });

/** `/prod/web` in two versions, the second with other checks, and the deployment from one to the other. */
function world() {
  const state = handmadeState();
  const spec = (checks: object[]) =>
    readApp({
      id: "/prod/web",
      cmd: "sleep 9",
      instances: 2,
      portDefinitions: [{ port: 10_001 }],
      healthChecks: checks,
    }).spec;
  state.put(keys.version("/prod/web", V1), { app: "/prod/web", version: V1, spec: spec([CHECK]), by: BY });
  state.put(keys.version("/prod/web", V2), { app: "/prod/web", version: V2, spec: spec([HTTP_CHECK]), by: BY });
  state.put(keys.deployment("d1"), {
    ...DEPLOYMENT_BEGINNING,
    id: "d1",
    app: "/prod/web",
    action: "upgrade",
    fromVersion: V1,
    version: V2,
    instances: 3,
    startedAtMs: AT,
    by: BY,
    trace: null,
  });
  state.put(keys.deployment("d8"), {
    ...DEPLOYMENT_BEGINNING,
    id: "d8",
    app: "/prod/old",
    group: "/prod",
    action: "group",
    fromVersion: V1,
    version: V2,
    instances: 0,
    steps: [
      {
        actions: [
          { app: "/prod/old", action: "delete", from: { version: V1, instances: 1 }, to: null, isStaged: true },
        ],
      },
      {
        actions: [
          {
            app: "/prod/web",
            action: "upgrade",
            from: { version: V1, instances: 5 },
            to: { version: V2, instances: 6 },
            isStaged: true,
          },
        ],
      },
    ],
    startedAtMs: AT,
    by: BY,
    trace: null,
  });
  state.put(keys.offer("n1"), offerOf("n1", { address: "10.0.0.1" }));
  return state;
}

const told = (one: CloudEvent, form: "light" | "full" = "light"): MarathonEvent[] =>
  JSON.parse(JSON.stringify(marathonEvents(one, world(), form)));

const fact = (state: Fact["state"], more: Partial<Fact> = {}): CloudEvent =>
  event(`muster.task.${state}`, {
    instance: "prod_web.0.7",
    app: "/prod/web",
    slot: 0,
    attempt: 7,
    version: V2,
    agent: "n1",
    hostname: "n1.example",
    incarnation: 1,
    number: 4,
    state,
    recordSequence: 9,
    ports: [31_000],
    pid: 4,
    container: null,
    exitCode: null,
    signal: null,
    reason: "started",
    message: "started",
    adopted: false,
    ...more,
  });

const STEP = { actions: [{ action: "RestartApplication", app: "/prod/web" }] };
const PLAN = { id: "d1", steps: [STEP], version: ISO2 };
const OLD = { id: "d1", deployment: "d1", app: "/prod/web", version: V2, action: "upgrade" };

const status = (taskStatus: string, message = "started") => ({
  eventType: "status_update_event",
  slaveId: "n1",
  taskId: "prod_web.0.7",
  taskStatus,
  message,
  appId: "/prod/web",
  host: "n1.example",
  ipAddresses: [{ ipAddress: "10.0.0.1", protocol: "IPv4" }],
  ports: [31_000],
  version: ISO2,
  timestamp: T,
});
const changed = (condition: string) => ({
  eventType: "instance_changed_event",
  instanceId: "prod_web.0.7",
  condition,
  runSpecId: "/prod/web",
  agentId: "n1",
  host: "n1.example",
  runSpecVersion: ISO2,
  timestamp: T,
});
const health = (healthy: boolean) => [
  {
    eventType: "instance_health_changed_event",
    instanceId: "prod_web.0.7",
    runSpecId: "/prod/web",
    healthy,
    runSpecVersion: ISO2,
    timestamp: T,
  },
  {
    eventType: "health_status_changed_event",
    appId: "/prod/web",
    instanceId: "prod_web.0.7",
    version: ISO2,
    alive: healthy,
    timestamp: T,
  },
];
const RENDERED_CHECK = {
  protocol: "HTTP",
  path: "/health",
  portIndex: 0,
  gracePeriodSeconds: 300,
  intervalSeconds: 60,
  timeoutSeconds: 20,
  maxConsecutiveFailures: 3,
  delaySeconds: 0,
  ignoreHttp1xx: false,
};
const client = { client: "c1", remoteAddress: "10.0.0.9" };
const subscription = { id: "s1", callbackUrl: "http://127.0.0.1:9/cb", by: BY };

const GOLDEN: readonly (readonly [what: string, event: CloudEvent, expected: readonly object[]])[] = [
  ["staging", fact("staging"), [status("TASK_STAGING"), changed("Staging")]],
  ["running", fact("running"), [status("TASK_RUNNING"), changed("Running")]],
  ["failed", fact("failed", { message: "exit 3" }), [status("TASK_FAILED", "exit 3"), changed("Failed")]],
  ["killed on request", fact("killing", { reason: "killed-on-request" }), [status("TASK_KILLING"), changed("Killing")]],
  [
    "killed as unhealthy",
    fact("killing", { reason: "health-check", message: "3 checks failed" }),
    [
      {
        eventType: "unhealthy_instance_kill_event",
        appId: "/prod/web",
        taskId: "prod_web.0.7",
        instanceId: "prod_web.0.7",
        version: ISO2,
        reason: "3 checks failed",
        host: "n1.example",
        slaveId: "n1",
        timestamp: T,
      },
      status("TASK_KILLING", "3 checks failed"),
      changed("Killing"),
    ],
  ],
  ["healthy", fact("healthy", { reason: "check-passed" }), health(true)],
  [
    "unhealthy",
    fact("unhealthy", { reason: "check-failed" }),
    [
      ...health(false),
      {
        eventType: "failed_health_check_event",
        appId: "/prod/web",
        taskId: "prod_web.0.7",
        healthCheck: RENDERED_CHECK,
        timestamp: T,
      },
    ],
  ],
  [
    "app deleted",
    event("muster.app.deleted", { app: "/prod/web" }),
    [{ eventType: "app_terminated_event", appId: "/prod/web", timestamp: T }],
  ],
  [
    "a refused spec",
    event("muster.submit.rejected", {
      sequence: 3,
      messageId: null,
      subject: "s",
      status: 422,
      code: "c",
      message: "no id",
      problems: [],
    }),
    [{ eventType: "group_change_failed", groupId: "/", version: T, reason: "no id", timestamp: T }],
  ],
  [
    "a deployment without steps of its own begins",
    event("muster.deployment.started", { ...OLD, instances: 3 }),
    [
      { eventType: "group_change_success", groupId: "/prod", version: ISO2, timestamp: T },
      { eventType: "deployment_info", plan: PLAN, currentStep: STEP, timestamp: T },
    ],
  ],
  [
    "a deployment without steps of its own succeeds",
    event("muster.deployment.ended", { ...OLD, state: "succeeded", message: null }),
    [
      { eventType: "deployment_step_success", plan: PLAN, currentStep: STEP, timestamp: T },
      { eventType: "deployment_success", id: "d1", plan: PLAN, timestamp: T },
    ],
  ],
  [
    "a deployment without steps of its own is overtaken",
    event("muster.deployment.ended", { ...OLD, state: "superseded", message: "overtaken by d2" }),
    [
      { eventType: "deployment_step_failure", plan: PLAN, currentStep: STEP, timestamp: T },
      { eventType: "deployment_failed", id: "d1", plan: PLAN, reason: "overtaken by d2", timestamp: T },
    ],
  ],
  [
    "a client comes",
    event("muster.stream.attached", client),
    [{ eventType: "event_stream_attached", remoteAddress: "10.0.0.9", timestamp: T }],
  ],
  [
    "a client goes",
    event("muster.stream.detached", client),
    [{ eventType: "event_stream_detached", remoteAddress: "10.0.0.9", timestamp: T }],
  ],
  [
    "a subscription",
    event("muster.subscription.added", subscription),
    [{ eventType: "subscribe_event", clientIp: "10.0.0.7", callbackUrl: "http://127.0.0.1:9/cb", timestamp: T }],
  ],
  [
    "a subscription no more",
    event("muster.subscription.removed", subscription),
    [{ eventType: "unsubscribe_event", clientIp: "10.0.0.7", callbackUrl: "http://127.0.0.1:9/cb", timestamp: T }],
  ],
  ["a gate", event("muster.agent.gate", { agent: "n1", open: true, reason: "open", incarnation: 1 }), []],
  ["a type nobody knows", event("muster.app.painted", {}), []],
  ["a fact that cannot be read", event("muster.task.running", { app: 5 }), []],
  ["an event without data", event("muster.deployment.ended", null, ""), []],
];

describe("our events as Marathon's", () => {
  for (const [what, one, expected] of GOLDEN) test(what, () => assert.deepEqual(told(one), expected));

  const accepted = (more: object = {}) =>
    event("muster.app.accepted", {
      app: "/prod/web",
      version: V2,
      deployment: "d1",
      instances: 3,
      action: "upgrade",
      understood: [],
      submitted: null,
      ...more,
    });

  test("an accepted app tells who asked for what, and which checks come and go", () => {
    const [posted, ...checks] = told(accepted());
    const { appDefinition, ...about } = posted as MarathonEvent & { appDefinition: Record<string, unknown> };
    assert.deepEqual(about, {
      eventType: "api_post_event",
      clientIp: "10.0.0.7",
      uri: "/v2/apps/prod/web",
      timestamp: T,
    });
    assert.deepEqual(
      [appDefinition.id, appDefinition.version, appDefinition.instances, appDefinition.cmd],
      ["/prod/web", ISO2, 3, "sleep 9"],
    );
    assert.deepEqual(checks, [
      {
        eventType: "add_health_check_event",
        appId: "/prod/web",
        healthCheck: RENDERED_CHECK,
        version: ISO2,
        timestamp: T,
      },
      { eventType: "remove_health_check_event", appId: "/prod/web", timestamp: T },
    ]);
  });

  test("a scaling leaves checks as they are, and a version that is gone is told by its name", () => {
    assert.deepEqual(
      told(accepted({ action: "scale" })).map(({ eventType }) => eventType),
      ["api_post_event"],
    );
    const [gone, ...more] = told(accepted({ version: 5, deployment: "other" }));
    assert.deepEqual(more, []);
    assert.deepEqual(gone?.appDefinition, { id: "/prod/web", instances: 3, version: new Date(5).toISOString() });
  });

  test("in full a plan holds the apps before and after, in the tree of their ids", () => {
    const [, info] = told(event("muster.deployment.started", { ...OLD, instances: 3 }), "full");
    const { plan, ...others } = info as MarathonEvent & { plan: Record<string, unknown> };
    assert.deepEqual(others, { eventType: "deployment_info", currentStep: STEP, timestamp: T });
    const apps = (group: unknown) => {
      const root = group as {
        id: string;
        apps: unknown[];
        groups: { id: string; apps: { version: string; instances: number }[] }[];
      };
      assert.deepEqual([root.id, root.apps, root.groups.length], ["/", [], 1]);
      return root.groups.map(({ id, apps }) => [id, apps.map(({ version, instances }) => [version, instances])]);
    };
    assert.deepEqual(apps(plan.original), [["/prod", [[ISO1, 3]]]]);
    assert.deepEqual(apps(plan.target), [["/prod", [[ISO2, 3]]]]);
    assert.deepEqual(
      { ...plan, original: undefined, target: undefined },
      { ...PLAN, original: undefined, target: undefined },
    );
  });

  const steps = [
    { actions: [{ action: "StopApplication", app: "/prod/old" }] },
    {
      actions: [
        { action: "ScaleApplication", app: "/prod/db/main" },
        { action: "RestartApplication", app: "/prod/web" },
      ],
    },
  ];
  const apps = ["/prod/old", "/prod/db/main", "/prod/web"];
  const plan = { id: "d9", steps, version: T };
  const step = (number: number, outcome: string) =>
    event("muster.deployment.step", {
      id: "d9",
      step: number,
      steps: 2,
      outcome,
      actions: steps[number - 1]?.actions,
      message: null,
    });

  test("a deployment of several apps tells each step once", () => {
    const story = [
      event("muster.deployment.started", { id: "d9", app: "/prod/old", apps, action: "group", version: null, steps }),
      step(1, "started"),
      step(1, "succeeded"),
      step(2, "started"),
      step(2, "failed"),
      event("muster.deployment.ended", { id: "d9", apps, state: "failed", message: "web never came up" }),
    ].flatMap((one) => told(one));
    assert.deepEqual(
      story.map(({ eventType, currentStep }) => [eventType, currentStep ?? null]),
      [
        ["group_change_success", null],
        ["deployment_info", steps[0]],
        ["deployment_step_success", steps[0]],
        ["deployment_info", steps[1]],
        ["deployment_step_failure", steps[1]],
        ["deployment_failed", null],
      ],
    );
    assert.deepEqual([story[0]?.groupId, story[1]?.plan, story.at(-1)?.reason], ["/prod", plan, "web never came up"]);
  });

  test("what an event does not say is in the document: its steps, its group, and where each app stood", () => {
    const data = { id: "d8", deployment: "d8", app: "/prod/old", version: V2, action: "group" };
    const [end, ...more] = told(
      event("muster.deployment.ended", { ...data, state: "aborted", message: "stopped by a person" }),
      "full",
    );
    assert.deepEqual(more, [], "its steps were told as they went");
    const { plan, ...others } = end as MarathonEvent & { plan: { steps: unknown; original: unknown; target: unknown } };
    assert.deepEqual(others, { eventType: "deployment_failed", id: "d8", reason: "stopped by a person", timestamp: T });
    assert.deepEqual(plan.steps, [
      { actions: [{ action: "StopApplication", app: "/prod/old" }] },
      { actions: [{ action: "RestartApplication", app: "/prod/web" }] },
    ]);
    const web = (group: unknown) =>
      (group as { groups: { apps: { version: string; instances: number }[] }[] }).groups[0]?.apps.map((app) => [
        app.version,
        app.instances,
      ]);
    assert.deepEqual([web(plan.original), web(plan.target)], [[[ISO1, 5]], [[ISO2, 6]]]);
    const [group] = told(event("muster.deployment.started", { ...data, instances: 0 }));
    assert.deepEqual([group?.eventType, group?.groupId], ["group_change_success", "/prod"]);
  });

  test("stages of a step are not told as steps", () => {
    const stage = event("muster.deployment.step", {
      id: "d8",
      step: 2,
      steps: 2,
      stage: 2,
      stages: 3,
      outcome: "started",
      actions: [],
      message: null,
    });
    assert.deepEqual(told(stage), []);
  });

  test("whatever is missing in a deployment's event, nothing is thrown", () => {
    for (const type of ["started", "step", "ended"])
      for (const data of [
        {},
        { id: "d1" },
        { id: 5 },
        { steps: "two" },
        { steps: [null, { actions: [7] }] },
        [],
        "text",
      ])
        for (const form of ["light", "full"] as const)
          assert.doesNotThrow(
            () => told(event(`muster.deployment.${type}`, data), form),
            `${type} ${JSON.stringify(data)}`,
          );
  });

  test("every type that is promised is told by some event here", () => {
    const all = [
      ...GOLDEN.map(([, one]) => one),
      accepted(),
      event("muster.deployment.started", { id: "d9", apps, steps }),
    ].flatMap((one) => told(one).map(({ eventType }) => eventType));
    assert.deepEqual([...new Set(all)].sort(), [...MARATHON_EVENT_TYPES]);
  });

  test("the same event gives the same events in the same order, however often it is asked for", () => {
    for (const [, one] of GOLDEN) assert.deepEqual(told(one), told(one));
  });
});
