/** Everything a service stands on: one connection, one view per bucket, one committer, one lease, one telemetry per process. */

import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import {
  bucketStream,
  HEALTH_BUCKET,
  HEALTH_KINDS,
  type HealthKind,
  type HealthView,
  LEASE_REPLICATED_TTL_MS,
  LEASE_TTL_MS,
  LEASES_BUCKET,
  STATE_BUCKET,
  STATE_KINDS,
  type StateKind,
  type StateView,
} from "@muster/contracts";
import { Committer } from "./committer.ts";
import { connectNats, type Nats, type NatsAddress } from "./connect.ts";
import { type Graveyard, graveyard } from "./graveyard.ts";
import { Membership } from "./membership.ts";
import { provision } from "./provision.ts";
import { openTelemetry, type Telemetry } from "./telemetry.ts";
import { BucketView, type Kinds } from "./view.ts";

export type StateBucketView = BucketView<typeof STATE_KINDS> & StateView;
export type HealthBucketView = BucketView<typeof HEALTH_KINDS> & HealthView;

export type Cluster = {
  readonly nats: Nats;
  readonly telemetry: Telemetry;
  readonly graveyard: Graveyard;
  readonly membership: Membership;
  readonly state: StateBucketView;
  readonly health: HealthBucketView;
  readonly stateCommitter: Committer;
  readonly healthCommitter: Committer;
  close(): Promise<void>;
};

export type ClusterOptions = {
  readonly address: NatsAddress;
  /** Services this process runs, for its lease. */
  readonly services: readonly string[];
  /** Documents they read. */
  readonly stateKinds: readonly StateKind[];
  readonly healthKinds: readonly HealthKind[];
  /** Those of them that are only read when somebody asks, in either bucket. */
  readonly unreadKinds?: readonly (StateKind | HealthKind)[];
  /** Replicas of streams that do not exist yet. */
  readonly replicas: number;
  readonly otlp: string | null;
  /** Fixed where only one such process can live, so that a restart need not wait for the old lease to end. */
  readonly process?: string;
  /** How long to wait for a first nats-server. */
  readonly waitMs: number;
};

/** Connects, provisions, reads the world and takes a lease; resolves when all of it is complete. */
export async function openCluster(options: ClusterOptions): Promise<Cluster> {
  const process =
    options.process ?? `${hostname().replaceAll(/[^A-Za-z0-9-]/g, "-")}-${randomBytes(5).toString("hex")}`;
  const nats = await connectNats(options.address, {
    name: `muster ${options.services.join("+")} ${process}`,
    waitMs: options.waitMs,
  });
  try {
    await provision(nats, { replicas: options.replicas });
    const telemetry = await openTelemetry({ otlp: options.otlp });
    const dead = graveyard(nats);
    const view = (bucket: string, kinds: Kinds) => {
      const unread = (options.unreadKinds ?? []).filter((kind) => kind in kinds);
      return new BucketView<Kinds>(nats, bucket, kinds, dead, unread);
    };
    const state = view(STATE_BUCKET, pick(STATE_KINDS, options.stateKinds));
    const health = view(HEALTH_BUCKET, pick(HEALTH_KINDS, options.healthKinds));
    const leases = await nats.jsm.streams.info(bucketStream(LEASES_BUCKET));
    const lease = { process, services: [...options.services], startedAtMs: Date.now(), http: null, abdicated: [] };
    const membership = new Membership(nats, lease, {
      ttlMs: leases.config.num_replicas > 1 ? LEASE_REPLICATED_TTL_MS : LEASE_TTL_MS,
    });
    await Promise.all([
      options.stateKinds.length > 0 && state.open(),
      options.healthKinds.length > 0 && health.open(),
      membership.open(),
    ]);
    return {
      nats,
      telemetry,
      graveyard: dead,
      membership,
      state: state as unknown as StateBucketView,
      health: health as unknown as HealthBucketView,
      stateCommitter: new Committer(nats, state, process),
      healthCommitter: new Committer(nats, health, process),
      async close() {
        await membership.close();
        await Promise.all([state.close(), health.close()]);
        await telemetry.stop();
        if (!nats.connection.isClosed()) await nats.connection.drain().catch(() => undefined);
      },
    };
  } catch (cause) {
    await nats.connection.close();
    throw cause;
  }
}

function pick<T extends Record<string, unknown>>(kinds: T, names: readonly string[]): Kinds {
  return Object.fromEntries(Object.entries(kinds).filter(([name]) => names.includes(name))) as Kinds;
}
