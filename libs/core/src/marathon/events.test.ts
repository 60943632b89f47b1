import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { CloudEvent, Fact } from "@muster/contracts";
import { MARATHON_EVENT_TYPES, type MarathonEvent } from "./event.ts";
import { BY, event, ISO2, OLD, T, told, V2 } from "./testing/told.ts";

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

  test("every type that is promised is told by some event here", () => {
    const all = [
      ...GOLDEN.map(([, one]) => one),
      accepted(),
      event("muster.deployment.started", { ...OLD, instances: 3 }),
      ...["succeeded", "failed"].map((state) => event("muster.deployment.ended", { ...OLD, state, message: null })),
    ].flatMap((one) => told(one).map(({ eventType }) => eventType));
    assert.deepEqual([...new Set(all)].sort(), [...MARATHON_EVENT_TYPES]);
  });

  test("the same event gives the same events in the same order, however often it is asked for", () => {
    for (const [, one] of GOLDEN) assert.deepEqual(told(one), told(one));
  });
});
