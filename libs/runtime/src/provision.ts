/** The one place that creates streams and buckets: idempotent, updates what may be updated, never deletes and recreates. */
import { type ConsumerSpec, consumerSpecs, MusterError, type StreamSpec, streamSpecs } from "@muster/contracts";
import {
  AckPolicy,
  DiscardPolicy,
  JetStreamApiError,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
} from "@nats-io/jetstream";
import { nanos } from "@nats-io/transport-node";
import { backoffMs, pause } from "./clock.ts";
import type { Nats } from "./connect.ts";
import { createLog } from "./log.ts";

const STREAM_NOT_FOUND = 10059;
const CONSUMER_NOT_FOUND = 10014;
const CONSUMERS_MAX = 20_000;
const log = createLog("provision");

/** Brings streams, buckets and durable consumers to what this release needs. Safe to run from any number of processes. */
export async function provision(nats: Nats, { replicas = 1 }: { replicas?: number } = {}): Promise<void> {
  for (const spec of streamSpecs(replicas)) await withRetries(spec.name, () => ensureStream(nats, spec, replicas));
  for (const spec of consumerSpecs) await withRetries(spec.durable, () => ensureConsumer(nats, spec));
}

async function withRetries(name: string, ensure: () => Promise<void>): Promise<void> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await ensure();
    } catch (cause) {
      if (attempt >= 9)
        throw new MusterError(
          "nats.no-jetstream",
          `cannot set up ${name} on the nats-server: ${(cause as Error).message}`,
          { cause },
        );
      log.debug({ name, error: (cause as Error).message }, "set-up is tried again");
      await pause(backoffMs(attempt, { firstMs: 100, capMs: 2_000 }));
    }
  }
}

function streamConfig(spec: StreamSpec, replicas: number): Partial<StreamConfig> & { name: string } {
  return {
    name: spec.name,
    description: spec.description,
    ...(spec.subjects.length === 0 ? {} : { subjects: [...spec.subjects] }),
    retention: spec.retention === "workqueue" ? RetentionPolicy.Workqueue : RetentionPolicy.Limits,
    storage: spec.storage === "file" ? StorageType.File : StorageType.Memory,
    discard: spec.discard === "new" ? DiscardPolicy.New : DiscardPolicy.Old,
    max_age: nanos(spec.maxAgeMs),
    max_bytes: spec.maxBytes,
    max_msgs_per_subject: spec.maxMessagesPerSubject,
    max_consumers: CONSUMERS_MAX,
    num_replicas: replicas,
    allow_direct: spec.direct,
    deny_delete: spec.denyDelete,
    allow_rollup_hdrs: spec.rollup,
    allow_msg_ttl: spec.messageTtl,
    allow_atomic: spec.atomic,
    ...(spec.republish === null ? {} : { republish: spec.republish }),
    ...(spec.sources.length === 0
      ? {}
      : {
          sources: spec.sources.map((source) => ({
            name: source.name,
            subject_transforms: source.transforms.map((t) => ({ ...t })),
          })),
        }),
  } as Partial<StreamConfig> & { name: string };
}

async function ensureStream(nats: Nats, spec: StreamSpec, replicas: number): Promise<void> {
  const want = streamConfig(spec, replicas);
  const have = await nats.jsm.streams.info(spec.name).catch((cause: unknown) => {
    if (cause instanceof JetStreamApiError && cause.code === STREAM_NOT_FOUND) return null;
    throw cause;
  });
  if (have === null) {
    const made = await nats.jsm.streams.add(want);
    // Older servers accept and ignore what they do not know; the echo tells.
    for (const field of ["allow_atomic", "allow_msg_ttl"] as const)
      if (want[field] === true && made.config[field] !== true)
        throw new Error(`the server ignored ${field} of ${spec.name}`);
    log.info({ stream: spec.name }, "created");
    return;
  }
  // An operator's change of replicas or sizes stands: only what the code depends on is brought up to date.
  const changed = (
    ["subjects", "description", "allow_atomic", "allow_direct", "allow_msg_ttl", "allow_rollup_hdrs"] as const
  ).filter(
    (field) =>
      JSON.stringify(have.config[field] ?? null) !== JSON.stringify(want[field] ?? null) &&
      want[field] !== undefined &&
      want[field] !== false,
  );
  if (changed.length === 0) return;
  const { name: _name, ...rest } = want;
  const update = Object.fromEntries(changed.map((field) => [field, rest[field]]));
  await nats.jsm.streams.update(spec.name, { ...have.config, ...update });
  log.info({ stream: spec.name, changed }, "updated");
}

async function ensureConsumer(nats: Nats, spec: ConsumerSpec): Promise<void> {
  const have = await nats.jsm.consumers.info(spec.stream, spec.durable).catch((cause: unknown) => {
    if (cause instanceof JetStreamApiError && cause.code === CONSUMER_NOT_FOUND) return null;
    throw cause;
  });
  if (have !== null) return;
  await nats.jsm.consumers.add(spec.stream, {
    durable_name: spec.durable,
    filter_subject: spec.filter,
    ack_policy: AckPolicy.Explicit,
    ack_wait: nanos(spec.ackWaitMs),
    max_deliver: spec.maxDeliver,
    max_ack_pending: 10_000,
  });
}
