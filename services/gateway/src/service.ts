/** Decides whether a spec is valid and may be changed now; answers people over HTTP and over NATS. Any number may run. */
import { subjects } from "@muster/contracts";
import { PLANNED_HEALTH, PLANNED_STATE, sceneOf } from "@muster/core";
import {
  type Cluster,
  circumstances,
  drawId,
  Metrics,
  perform,
  type Service,
  type ServiceKinds,
  type SettingValues,
} from "@muster/runtime";
import { createApi } from "./api.ts";
import { GroupCommit } from "./commit/group-commit.ts";
import { Callbacks } from "./events/callbacks.ts";
import { Streams } from "./events/streams.ts";
import { lastEventSequenceOf } from "./events/subscription-endpoints.ts";
import { type Gateway, log, refuseNotReady, SERVICE } from "./gateway.ts";
import { originsOf } from "./http/guards.ts";
import { listen } from "./http/server.ts";
import { countRunning } from "./limits.ts";
import { answerOverNats } from "./nats-api.ts";
import { Planner } from "./plan/planner.ts";
import type { settings } from "./settings.ts";
import { takeSubmits } from "./submits.ts";

/** Documents a gateway reads: all that a plan rests on, and who decides. */
export const kinds = {
  // Terms say who decides for a shard.
  state: [...PLANNED_STATE, "term", "subscription"],
  health: ["agent", ...PLANNED_HEALTH],
  // They change with every placement, and are looked at when somebody asks.
  unread: ["ledger", "placed", "waiting", "instance", "verdict"],
} as const satisfies ServiceKinds;

const ABDICATE_WITHIN_MS = 3_000;
const SOURCE = `/muster/${SERVICE}`;

/** Resolves when it listens; `port` is the one it got. */
export async function startGateway(
  cluster: Cluster,
  values: SettingValues<typeof settings>,
): Promise<Service & { readonly port: number }> {
  const planner = plannerOf(cluster);
  let listening: string | null = null;
  const gateway = gatewayOf(cluster, values, {
    plan: (reading, force) => planner.plan(reading, { force, strategy: values.strategy }),
    address: (host) => values.httpAdvertise ?? (isHost(host) ? host : listening),
  });
  const api = createApi(gateway, {
    isLocal: /^(127\.|localhost$|::1$)/.test(values.httpHost),
    origins: originsOf(values.accessControlAllowOrigin),
    concurrentRequestsMax: values.httpMaxConcurrentRequests,
    answerWithinMs: values.httpRequestTimeoutMs,
  });
  const http = await listen(api, { host: values.httpHost, port: values.httpPort });
  listening = `${values.httpHost.includes(":") ? `[${values.httpHost}]` : values.httpHost}:${http.port}`;
  await cluster.membership.say({ http: gateway.address(undefined) });
  const natsApi = answerOverNats(cluster.nats.connection, api);
  const submits = takeSubmits(cluster, gateway);
  const callbacks = new Callbacks({ nats: cluster.nats, state: cluster.state, commit: gateway.commit });
  log.info({ host: values.httpHost, port: http.port }, "the HTTP API listens");
  return {
    port: http.port,
    async stop() {
      // An event stream never ends by itself, and HTTP waits for what is under way.
      await gateway.streams.stop();
      await Promise.all([http.stop(), natsApi.stop(), submits.stop(), callbacks.stop()]);
      await planner.stop();
    },
  };
}

const plannerOf = ({ state, health }: Cluster): Planner =>
  new Planner({
    sceneOf(app) {
      refuseNotReady({ state, health });
      return sceneOf(state, health, app);
    },
    now: () => circumstances().now,
  });

const isHost = (host: string | undefined): host is string => host !== undefined && URL.canParse(`http://${host}`);

function gatewayOf(
  { nats, state, health, stateCommitter, healthCommitter, telemetry, membership }: Cluster,
  values: SettingValues<typeof settings>,
  more: Pick<Gateway, "plan" | "address">,
): Gateway {
  const group = new GroupCommit({
    commit: (decide) => perform(nats, stateCommitter, SOURCE, decide, { waitForWakes: false }),
    messageBytesMax: () => nats.connection.info?.max_payload ?? Number.POSITIVE_INFINITY,
  });
  const commit: Gateway["commit"] = (decide, signal) => group.add(decide, signal);
  return {
    state,
    health,
    telemetry,
    commit,
    streams: new Streams({ nats, state, clientsMax: values.eventStreams, commit }),
    lastEventSequence: lastEventSequenceOf(nats),
    callbackHosts: values.callbackHosts,
    leases: () => membership.leases(),
    runningDeployments: countRunning(state),
    limits: {
      apps: values.maxApps,
      runningDeployments: values.maxRunningDeployments,
      instancesPerApp: values.maxInstancesPerApp,
      bodyBytes: values.maxBodyBytes,
      versions: values.maxVersions,
    },
    ...more,
    async readSoon() {
      await Promise.all([state.readSoon(), health.readSoon()]);
    },
    metrics: new Metrics({
      commits: () => [
        [state.bucket, stateCommitter.counts],
        [health.bucket, healthCommitter.counts],
      ],
      *documents() {
        for (const view of [state, health])
          for (const [kind, count] of view.counts()) yield [view.bucket, kind, count] as const;
      },
      processes: () => membership.leases().length,
    }),
    abdicate: async (process, service) =>
      (await nats.connection.request(subjects.abdicate(process), service, { timeout: ABDICATE_WITHIN_MS })).string() ===
      "true",
    circumstances,
    drawId,
  };
}
