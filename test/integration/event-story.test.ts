// What a client of Marathon's event bus hears of an app's life, on a real cluster.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Service } from "@muster/runtime";
import { SimulatedAgent, until } from "@muster/testkit";
import { startPlane, type TestPlane } from "../support/control-plane.ts";
import { startTestGateway } from "../support/gateway.ts";
import { SseClient, type SseFrame } from "../support/sse.ts";

let plane: TestPlane;
let gateway: Service & { http: string };
let agent: SimulatedAgent;
let client: SseClient;

before(async () => {
  plane = await startPlane();
  gateway = await startTestGateway(plane.server.url);
  agent = new SimulatedAgent(plane.operator.cluster.nats, { agent: "n1" });
  await agent.start();
  const { state } = plane.operator.cluster;
  await until(() => [...state.kind("ledger").values()].some(({ value }) => value.gate.open), { what: "an open gate" });
  client = await SseClient.open(`${gateway.http}/v2/events?plan-format=full`);
});
after(async () => {
  client?.leave();
  await agent?.stop();
  await gateway?.stop();
  await plane?.stop();
});

type Plan = {
  id: string;
  steps: { actions: { action: string; app: string }[] }[];
  original: { groups: { apps: { cmd: string }[] }[] };
  target: { groups: { apps: { cmd: string }[] }[] };
};
const planOf = (frame: SseFrame) => frame.data.plan as Plan;

/** Changes the app, waits for the end of its deployment, and answers what was told of it, in order. */
async function change(method: string, body: object | null): Promise<{ id: string; frames: SseFrame[] }> {
  const before = client.frames.length;
  const path = method === "POST" ? "/v2/apps" : "/v2/apps/shop/web";
  const response = await fetch(`${gateway.http}${path}`, { method, body: body === null ? null : JSON.stringify(body) });
  const id = response.headers.get("marathon-deployment-id") ?? "";
  assert.ok(response.ok, `${method} answered ${response.status}`);
  const isOver = ({ event, data }: SseFrame) => /^deployment_(success|failed)$/.test(event) && data.id === id;
  await until(() => client.frames.slice(before).some(isOver), {
    withinMs: 20_000,
    what: () => `the end of deployment ${id} among ${client.types().slice(before).join()}`,
  });
  return { id, frames: client.frames.slice(before) };
}

const DEPLOYMENT = /^(deployment|group_change|api_post)_/;
const story = (frames: readonly SseFrame[]) =>
  frames.map(({ event }) => event).filter((event) => DEPLOYMENT.test(event));

test("an app that is created, upgraded and deleted is told step by step", { timeout: 90_000 }, async () => {
  const app = { id: "/shop/web", cmd: "sleep 1000", cpus: 0.1, mem: 16, instances: 2 };
  const created = await change("POST", app);
  assert.deepEqual(story(created.frames), [
    "api_post_event",
    "group_change_success",
    "deployment_info",
    "deployment_step_success",
    "deployment_success",
  ]);
  const updates = created.frames.filter(({ event }) => event === "status_update_event");
  const running = updates.filter(({ data }) => data.taskStatus === "TASK_RUNNING");
  assert.equal(running.length, 2);
  for (const { data } of running)
    assert.deepEqual(
      [data.appId, data.slaveId, data.ipAddresses],
      ["/shop/web", "n1", [{ ipAddress: "127.0.0.1", protocol: "IPv4" }]],
    );
  const infos = created.frames.filter(({ event }) => event.startsWith("deployment_"));
  for (const frame of infos) assert.equal(planOf(frame).id, created.id, frame.event);
  assert.deepEqual(planOf(infos[0] as SseFrame).original.groups, [], "there was nothing before");

  const upgraded = await change("PUT", { cmd: "sleep 2000" });
  assert.deepEqual(story(upgraded.frames), story(created.frames));
  const info = upgraded.frames.find(({ event }) => event === "deployment_info") as SseFrame;
  const cmds = (group: Plan["target"]) => group.groups.flatMap(({ apps }) => apps.map(({ cmd }) => cmd));
  assert.deepEqual([cmds(planOf(info).original), cmds(planOf(info).target)], [["sleep 1000"], ["sleep 2000"]]);
  assert.deepEqual(info.data.currentStep, planOf(info).steps[0]);

  const deleted = await change("DELETE", null);
  assert.deepEqual(story(deleted.frames).slice(0, 2), ["group_change_success", "deployment_info"]);
  assert.deepEqual(story(deleted.frames).slice(-2), ["deployment_step_success", "deployment_success"]);
  await until(() => client.types().includes("app_terminated_event"), { withinMs: 20_000, what: "the app's end" });
  const killed = client.frames.filter(({ data }) => data.taskStatus === "TASK_KILLED");
  assert.equal(killed.length, 4);

  const again = await SseClient.open(`${gateway.http}/v2/events?plan-format=full`, { "last-event-id": "0" });
  await until(() => again.types().includes("app_terminated_event"), { what: "the story once more" });
  const later = (frames: readonly SseFrame[]) =>
    frames.filter(({ event }) => event.startsWith("instance_") || /^(status|group|api)_/.test(event));
  again.leave();
  const isKept = ({ event }: SseFrame) => event !== "api_post_event";
  assert.deepEqual(
    later(again.frames).filter(isKept),
    later(client.frames).filter(isKept),
    "read again when all is over it is the same, but for specs that went with the app",
  );
});
