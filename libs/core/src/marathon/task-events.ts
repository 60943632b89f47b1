/** What agents state of their instances, as Marathon tells it. */
import { agentToken, type Fact, FactSchema, type StateView, unreachable } from "@muster/contracts";
import { specAt } from "../apps/current.ts";
import { isoTime } from "../apps/time.ts";
import { checksOf } from "./app-events.ts";

import type { Told, Translate } from "./event.ts";

export const taskStated: Translate = (event, { state }) => {
  const parsed = FactSchema.safeParse(event.data);
  if (!parsed.success) return [];
  const fact = parsed.data;
  switch (fact.state) {
    case "healthy":
    case "unhealthy":
      return healthStated(state, fact);
    case "staging":
    case "starting":
    case "running":
    case "killing":
    case "finished":
    case "failed":
    case "killed":
    case "error":
      return stateChanged(state, fact);
    case "ready":
    case "unready":
    case "checked":
      // Marathon shows what readiness checks answer in its deployments, what a check finds in its task, and tells no event of it.
      return [];
    default:
      return unreachable(fact.state);
  }
};

function stateChanged(state: StateView, fact: Fact): Told[] {
  const { instance, app, agent, hostname, message, ports } = fact;
  const version = isoTime(fact.version);
  return [
    ...killedAsUnhealthy(fact),
    {
      eventType: "status_update_event",
      slaveId: agent,
      taskId: instance,
      taskStatus: `TASK_${fact.state.toUpperCase()}`,
      message,
      appId: app,
      host: hostname,
      ipAddresses: addressesOf(state, agent),
      ports,
      version,
    },
    {
      eventType: "instance_changed_event",
      instanceId: instance,
      condition: `${fact.state.charAt(0).toUpperCase()}${fact.state.slice(1)}`,
      runSpecId: app,
      agentId: agent,
      host: hostname,
      runSpecVersion: version,
    },
  ];
}

/** The agent kills what its checks give up, and says so before it does. */
function killedAsUnhealthy({ state, reason, app, instance, version, message, hostname, agent }: Fact): Told[] {
  if (state !== "killing" || reason !== "health-check") return [];
  return [
    {
      eventType: "unhealthy_instance_kill_event",
      appId: app,
      taskId: instance,
      instanceId: instance,
      version: isoTime(version),
      reason: message,
      host: hostname,
      slaveId: agent,
    },
  ];
}

/** Agents count failed checks and state only that the threshold was crossed; which check it was is known where there is one. */
function healthStated(state: StateView, fact: Fact): Told[] {
  const { instance, app } = fact;
  const [healthy, version] = [fact.state === "healthy", isoTime(fact.version)];
  const checks = healthy ? [] : checksOf(specAt(state, app, fact.version));
  return [
    {
      eventType: "instance_health_changed_event",
      instanceId: instance,
      runSpecId: app,
      healthy,
      runSpecVersion: version,
    },
    { eventType: "health_status_changed_event", appId: app, instanceId: instance, version, alive: healthy },
    ...(checks.length === 1
      ? [{ eventType: "failed_health_check_event" as const, appId: app, taskId: instance, healthCheck: checks[0] }]
      : []),
  ];
}

function addressesOf(state: StateView, agent: string): { ipAddress: string; protocol: string }[] {
  const address = state.kind("offer").get(agentToken(agent))?.value.address ?? null;
  return address === null ? [] : [{ ipAddress: address, protocol: address.includes(":") ? "IPv6" : "IPv4" }];
}
