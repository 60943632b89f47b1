import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { CloudEvent } from "@muster/contracts";
import type { MarathonEvent } from "./event.ts";
import { event, ISO1, ISO2, OLD, PLAN, STEP, T, told, V2 } from "./testing/told.ts";

const STOP_PLAN = {
  id: "d7",
  steps: [{ actions: [{ action: "StopApplication", app: "/prod/web" }] }],
  version: ISO2,
};

const GOLDEN: readonly (readonly [what: string, event: CloudEvent, expected: readonly object[]])[] = [
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
    "an app's removal, which tells no step",
    event("muster.deployment.ended", {
      id: "d7",
      app: "/prod/web",
      version: V2,
      action: "delete",
      state: "succeeded",
      message: null,
    }),
    [
      { eventType: "deployment_step_success", plan: STOP_PLAN, currentStep: STOP_PLAN.steps[0], timestamp: T },
      { eventType: "deployment_success", id: "d7", plan: STOP_PLAN, timestamp: T },
    ],
  ],
];

describe("deployments as Marathon tells them", () => {
  for (const [what, one, expected] of GOLDEN) test(what, () => assert.deepEqual(told(one), expected));

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
});
