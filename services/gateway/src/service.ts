/** Decides whether a spec is valid and may be changed now; answers people over HTTP and over NATS. Any number may run. */
import { PLANNED_HEALTH, PLANNED_STATE, sceneOf } from "@muster/core";
import {
  type Cluster,
  circumstances,
  drawId,
  perform,
  type Service,
  type ServiceKinds,
  type SettingValues,
} from "@muster/runtime";
import { createApi } from "./api.ts";
import { Callbacks } from "./events/callbacks.ts";
import { Streams } from "./events/streams.ts";
import { lastEventSequenceOf } from "./events/subscription-endpoints.ts";
import { type Gateway, log, refuseNotReady, SERVICE } from "./gateway.ts";
import { GroupCommit } from "./group-commit.ts";
import { listen } from "./http.ts";
import { answerOverNats } from "./nats-api.ts";
import { Planner } from "./planner.ts";
import type { settings } from "./settings.ts";
import { takeSubmits } from "./submits.ts";

/** Documents a gateway reads: all that a plan rests on. */
export const kinds = {
  state: [...PLANNED_STATE, "subscription"],
  health: ["agent", ...PLANNED_HEALTH],
  // They change with every placement, and are looked at when somebody asks.
  unread: ["ledger", "placed", "waiting", "instance", "verdict"],
} as const satisfies ServiceKinds;

const SOURCE = `/muster/${SERVICE}`;

/** Resolves when it listens; `port` is the one it got. */
export async function startGateway(
  cluster: Cluster,
  values: SettingValues<typeof settings>,
): Promise<Service & { readonly port: number }> {
  const planner = plannerOf(cluster);
  const gateway = gatewayOf(cluster, values, (reading, force) =>
    planner.plan(reading, { force, strategy: values.strategy }),
  );
  const isLocal = /^(127\.|localhost$|::1$)/.test(values.httpHost);
  const api = createApi(gateway, { isLocal });
  const http = await listen(api, { host: values.httpHost, port: values.httpPort });
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

function gatewayOf(
  { nats, state, health, stateCommitter, telemetry, membership }: Cluster,
  { eventStreams, callbackHosts }: Pick<SettingValues<typeof settings>, "eventStreams" | "callbackHosts">,
  plan: Gateway["plan"],
): Gateway {
  const group = new GroupCommit({
    async commit(decide) {
      await perform(nats, stateCommitter, SOURCE, decide);
    },
    messageBytesMax: () => nats.connection.info?.max_payload ?? Number.POSITIVE_INFINITY,
  });
  const commit: Gateway["commit"] = (decide) => group.add(decide);
  return {
    state,
    health,
    telemetry,
    commit,
    streams: new Streams({ nats, state, clientsMax: eventStreams, commit }),
    lastEventSequence: lastEventSequenceOf(nats),
    callbackHosts,
    leases: () => membership.leases(),
    plan,
    circumstances,
    drawId,
  };
}
