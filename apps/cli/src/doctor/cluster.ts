/** What the gateway knows: services alive, agents and their gates, tasks nobody knows, instances. */
import type { Client } from "@muster/client";
import type { AgentView, ClusterView } from "@muster/contracts";
import { plural } from "@muster/terminal/units";
import { type Check, fail, ok, warn } from "./check.ts";

/** Each of them decides something that nothing else does. */
const SERVICES = ["gateway", "deployer", "placement", "offer-broker", "health"] as const;
const LISTED_MAX = 8;

export function checkServices({ services }: Pick<ClusterView, "services">): Check[] {
  const counts = SERVICES.map((name) => ({ name, count: services.filter(({ service }) => service === name).length }));
  const living = counts.filter(({ count }) => count > 0);
  const dead = counts.filter(({ count }) => count === 0);
  const alive = living.map(({ name, count }) => (count === 1 ? name : `${name} (${count})`)).join(", ");
  return [
    ...(living.length === 0 ? [] : [ok("services", `${alive} ${living.length === 1 ? "is" : "are"} alive`)]),
    ...dead.map(({ name }) =>
      fail(name, "no process holds a lease", {
        advice: `start one: node services/${name}/src/main.ts, or "muster up"`,
      }),
    ),
  ];
}

export function checkInstances({ apps, instances }: ClusterView): Check {
  const { wanted, running, healthy } = instances;
  const found = `${plural(apps, "app")}, ${plural(wanted, "instance")} wanted, ${running} running, ${healthy} healthy`;
  if (running >= wanted) return ok("instances", found);
  return warn("instances", found, { advice: 'see "muster ps", and "muster why APP" for those that do not run' });
}

export function checkAgents(agents: readonly AgentView[]): Check[] {
  if (agents.length === 0)
    return [warn("agents", "none, so nothing can run", { advice: "start one: node services/agent/src/main.ts" })];
  const lost = agents.filter(({ gate }) => !gate.open && (gate.reason === "unreachable" || gate.reason === "suspect"));
  const closed = agents.filter((agent) => !agent.gate.open && !lost.includes(agent));
  const open = agents.length - lost.length - closed.length;
  const found = `${open} of ${agents.length} open for instances`;
  const details = [...lost, ...closed].slice(0, LISTED_MAX).map(({ id, gate }) => `${id}: ${gate.reason}`);
  const advice = "see whether its machine is up and its agent's log";
  const gates =
    lost.length > 0
      ? warn("agents", `${found}, ${lost.length} silent`, { advice, details })
      : open === 0
        ? warn("agents", found, { advice: "no agent takes instances: open one again", details })
        : ok("agents", found, { details });
  return [gates, orphansOf(agents)];
}

function orphansOf(agents: readonly AgentView[]): Check {
  const orphans = agents.flatMap(({ id, orphans: names }) => names.map((name) => `${name} on ${id}`));
  if (orphans.length === 0) return ok("orphans", "none: every task is known");
  return warn("orphans", `${plural(orphans.length, "task")} that nobody knows of`, {
    advice: "they are counted and never killed unasked: end them on their machines if they are not yours",
    details: orphans.slice(0, LISTED_MAX),
  });
}

export async function checkCluster(client: Client): Promise<readonly Check[]> {
  const startedAtMs = performance.now();
  const cluster = await client.cluster();
  const elapsedMs = Math.round(performance.now() - startedAtMs);
  const agents = await client.agents();
  return [
    ok("API", `a gateway answers in ${elapsedMs} ms`),
    ...checkServices(cluster),
    ...checkAgents(agents),
    checkInstances(cluster),
  ];
}
