import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { DEPLOYMENT_BEGINNING, keys } from "@muster/contracts";
import {
  endedRow,
  judge,
  NOW,
  offer,
  place,
  placedRow,
  VERSION,
  wait,
  want,
  world,
} from "../apps/testing/handmade-app.ts";
import { isoTime } from "../apps/time.ts";
import { appInfo } from "./app-info.ts";
import { deploymentsInfo, queueInfo } from "./queue-info.ts";
import { appTasks, endpointsText } from "./tasks.ts";

describe("Marathon's forms", () => {
  test("an app has counts, its deployments, its tasks and its last failure", () => {
    const here = world({ deployment: "d1" }, { healthChecks: [{ protocol: "TCP" }] });
    offer(here, "n1");
    want(here, [10, 11]);
    place(here, [placedRow(0), placedRow(1)], [endedRow(7)]);
    judge(here, 0, "running", { healthy: true });
    const app = appInfo(here.state, here.health, "/hello", { tasks: true, lastTaskFailure: true });
    assert.equal(app?.id, "/hello");
    assert.deepEqual([app?.tasksStaged, app?.tasksRunning, app?.tasksHealthy, app?.tasksUnhealthy], [1, 1, 1, 0]);
    assert.deepEqual(app?.deployments, [{ id: "d1" }]);
    assert.deepEqual(app?.versionInfo, { lastScalingAt: isoTime(VERSION), lastConfigChangeAt: isoTime(VERSION) });
    assert.deepEqual(app?.tasks, [
      {
        id: "hello.0.10",
        appId: "/hello",
        host: "n1.example",
        ports: [31_000],
        servicePorts: [10_000],
        slaveId: "n1",
        state: "TASK_RUNNING",
        stagedAt: isoTime(NOW - 20_000),
        startedAt: isoTime(NOW - 15_000),
        version: isoTime(VERSION),
        ipAddresses: [{ ipAddress: "10.0.0.1", protocol: "IPv4" }],
        healthCheckResults: [{ alive: true, consecutiveFailures: 0, instanceId: "hello.0.10" }],
      },
      {
        id: "hello.1.11",
        appId: "/hello",
        host: "n1.example",
        ports: [31_001],
        servicePorts: [10_000],
        slaveId: "n1",
        state: "TASK_STAGING",
        stagedAt: isoTime(NOW - 20_000),
        version: isoTime(VERSION),
        ipAddresses: [{ ipAddress: "10.0.0.1", protocol: "IPv4" }],
      },
    ]);
    assert.deepEqual(app?.lastTaskFailure, {
      appId: "/hello",
      host: "n1.example",
      message: "exited with code 1",
      state: "TASK_FAILED",
      taskId: "hello.0.7",
      timestamp: isoTime(NOW - 5_000),
      version: isoTime(VERSION),
      slaveId: "n1",
    });
    assert.deepEqual(appTasks(here.state, here.health, "/hello"), app?.tasks);
    assert.equal(appInfo(here.state, here.health, "/x", { tasks: true, lastTaskFailure: true }), null);
  });

  test("the queue is a funnel: each check sees what the ones before it left", () => {
    const here = world();
    want(here, [10, 11]);
    wait(here);
    const [item] = queueInfo(here.state, here.health, NOW);
    assert.equal(item?.count, 1);
    assert.deepEqual(item?.delay, { timeLeftSeconds: 0, overdue: true });
    const { rejectSummaryLastOffers, processedOffersCount } = (item?.processedOffersSummary ?? {}) as Record<
      string,
      unknown
    >;
    assert.equal(processedOffersCount, 3);
    assert.deepEqual(
      (rejectSummaryLastOffers as { reason: string; declined: number; processed: number }[]).map(
        ({ reason, declined, processed }) => `${reason} ${declined}/${processed}`,
      ),
      [
        "UnfulfilledRole 0/3",
        "UnfulfilledConstraint 2/3",
        "NoCorrespondingReservationFound 0/1",
        "AgentMaintenance 0/1",
        "InsufficientCpus 1/1",
        "InsufficientMemory 0/0",
        "InsufficientDisk 0/0",
        "InsufficientGpus 0/0",
        "InsufficientPorts 0/0",
        "DeclinedScarceResources 0/0",
      ],
    );
    assert.equal("lastUnusedOffers" in (item ?? {}), false, "only where it is asked for");
  });

  test("the unused offer that was nearest is told where it is asked for", () => {
    const here = world();
    offer(here, "n1");
    want(here, [10]);
    wait(here, { nearest: { agent: "n1", lacks: "needs 9 cpus, 4 free" } });
    const [item] = queueInfo(here.state, here.health, NOW, { lastUnusedOffers: true });
    const unused = (item?.lastUnusedOffers ?? []) as {
      offer: { agentId: string; hostname: string };
      reason: string[];
    }[];
    assert.deepEqual(
      unused.map(({ offer, reason }) => [offer.agentId, offer.hostname, reason]),
      [["n1", "n1.example", ["InsufficientCpus"]]],
    );
  });

  test("a gang is no reason why the nearest offer was not used", () => {
    const here = world();
    offer(here, "n1");
    want(here, [10]);
    const refusals = [
      { check: "cpus" as const, agents: 2, reason: "needs 9 cpus, 3 free" },
      { check: "gang" as const, agents: 1, reason: "1 of 2 members fit at once" },
    ];
    wait(here, { refusals, nearest: { agent: "n1", lacks: "needs 9 cpus, 4 free" } });
    const [item] = queueInfo(here.state, here.health, NOW, { lastUnusedOffers: true });
    const [unused] = (item?.lastUnusedOffers ?? []) as { reason: string[] }[];
    assert.deepEqual(unused?.reason, ["InsufficientCpus"]);
  });

  test("what waits for a place is staging without a host, and what was told to end is being killed", () => {
    const here = world();
    offer(here, "n1");
    want(here, [10, 11]);
    place(here, [placedRow(0, { goal: "stop" })]);
    judge(here, 0, "running");
    const tasks = appTasks(here.state, here.health, "/hello");
    assert.deepEqual(
      tasks.map(({ id, state, host }) => [id, state, host]),
      [
        ["hello.0.10", "TASK_KILLING", "n1.example"],
        ["hello.1.11", "TASK_STAGING", undefined],
      ],
    );
    const app = appInfo(here.state, here.health, "/hello", { tasks: false, lastTaskFailure: false });
    assert.deepEqual([app?.tasksStaged, app?.tasksRunning], [1, 0]);
  });

  test("load balancers get a line for each service port with the places of running tasks", () => {
    const here = world();
    offer(here, "n1");
    want(here, [10, 11]);
    place(here, [placedRow(0), placedRow(1)]);
    judge(here, 0, "running");
    assert.equal(endpointsText(here.state, here.health, "/hello"), "hello\t10000\tn1.example:31000\n");
  });

  test("statistics of tasks by what they were started from", () => {
    const here = world({ scaledAtMs: NOW - 10_000 });
    offer(here, "n1");
    want(here, [10, 11, 12]);
    place(here, [placedRow(0), placedRow(1, { version: VERSION - 1 })]);
    judge(here, 0, "running", { startedAtMs: NOW - 4_000, healthy: true });
    judge(here, 1, "running", { startedAtMs: NOW - 20_000 });
    const info = appInfo(here.state, here.health, "/hello", {
      tasks: false,
      lastTaskFailure: false,
      taskStatsAtMs: NOW,
    });
    const counts = (staged: number, running: number, healthy: number) => ({ staged, running, healthy, unhealthy: 0 });
    const ages = (averageSeconds: number) => ({ averageSeconds, medianSeconds: averageSeconds });
    assert.deepEqual(info?.taskStats, {
      startedAfterLastScaling: { stats: { counts: counts(0, 1, 1), lifeTime: ages(4) } },
      withLatestConfig: { stats: { counts: counts(1, 1, 1), lifeTime: ages(4) } },
      withOutdatedConfig: { stats: { counts: counts(0, 1, 0), lifeTime: ages(20) } },
      totalSummary: { stats: { counts: counts(1, 2, 1), lifeTime: ages(12) } },
    });
  });

  test("an app that is held back is in the queue with the time that is left", () => {
    const here = world({ instances: 2 });
    want(here, [10], { backoffs: [{ version: VERSION, failures: 1, delayMs: 3_000, untilMs: NOW + 2_500 }] });
    const [item] = queueInfo(here.state, here.health, NOW);
    assert.equal(item?.count, 1);
    assert.deepEqual(item?.delay, { timeLeftSeconds: 3, overdue: false });
    assert.deepEqual(queueInfo(here.state, here.health, NOW + 3_000), []);
  });

  test("deployments that run are listed, ended ones are not", () => {
    const here = world({ deployment: "d1" });
    const deployment = (id: string) => ({
      ...DEPLOYMENT_BEGINNING,
      id,
      app: "/hello",
      action: "upgrade",
      fromVersion: 1,
      version: VERSION,
      instances: 2,
      state: "running",
      startedAtMs: NOW,
      endedAtMs: null,
      by: { who: "test", from: "here" },
      message: null,
      trace: null,
    });
    here.state.put(keys.deployment("d1"), deployment("d1"));
    here.state.put(keys.deployment("d0"), { ...deployment("d0"), state: "succeeded" });
    const action = { action: "RestartApplication", app: "/hello" };
    assert.deepEqual(deploymentsInfo(here.state, here.health), [
      {
        id: "d1",
        version: isoTime(VERSION),
        affectedApps: ["/hello"],
        affectedPods: [],
        steps: [{ actions: [action] }],
        currentActions: [{ ...action, readinessCheckResults: [] }],
        currentStep: 1,
        totalSteps: 1,
      },
    ]);
  });

  test("readiness results are those of running instances of the current version, with the last answer where it is kept", () => {
    const ports = { ports: null, portDefinitions: [{ port: 10_000, name: "http-api" }] };
    const here = world({ deployment: "d1" }, { ...ports, readinessChecks: [{ name: "warm" }] });
    const lastResponse = { status: 503, contentType: "text/plain", body: "warming up" };
    place(here, [placedRow(0), placedRow(1), placedRow(2), placedRow(3, { version: 1 })]);
    judge(here, 0, "running", { ready: true });
    judge(here, 1, "running", { ready: false, response: lastResponse });
    judge(here, 3, "running", { ready: true });
    const results = [
      { name: "warm", taskId: "hello.0.10", ready: true },
      { name: "warm", taskId: "hello.1.11", ready: false, lastResponse },
    ];
    const embed = { tasks: false, lastTaskFailure: false };
    const app = (more: object) => appInfo(here.state, here.health, "/hello", { ...embed, ...more });
    assert.deepEqual(app({ readiness: true })?.readinessCheckResults, results);
    assert.equal("readinessCheckResults" in (app({}) ?? {}), false);
    const about = { id: "d1", app: "/hello", action: "upgrade", version: VERSION, instances: 4, startedAtMs: NOW };
    here.state.put(keys.deployment("d1"), { ...DEPLOYMENT_BEGINNING, ...about, fromVersion: null });
    const [deployment] = deploymentsInfo(here.state, here.health);
    assert.deepEqual(deployment?.currentActions, [
      { action: "RestartApplication", app: "/hello", readinessCheckResults: results },
    ]);
  });

  test("an app without a readiness check has no results, also when they are asked for", () => {
    const here = world();
    place(here, [placedRow(0)]);
    judge(here, 0, "running");
    const app = appInfo(here.state, here.health, "/hello", { tasks: false, lastTaskFailure: false, readiness: true });
    assert.deepEqual(app?.readinessCheckResults, []);
  });
});
