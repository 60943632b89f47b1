/** Streams and buckets as plain data. One provisioner (runtime) creates and updates them; nothing else does. */
import { DELIVERIES_MAX, LEASE_REPLICATED_TTL_MS, LEASE_TTL_MS, WORK_ACK_WAIT_MS } from "./limits.ts";
import {
  bucketStream,
  HEALTH_BUCKET,
  keySubject,
  LEASES_BUCKET,
  STATE_BUCKET,
  WAKE_CLASSES,
  type WakeClass,
} from "./subjects.ts";

const DAY_MS = 24 * 3_600_000;
const MIB = 1024 * 1024;

/** A stream's configuration in our own units; the provisioner translates it to JetStream's nanoseconds. */
export type StreamSpec = {
  readonly name: string;
  readonly subjects: readonly string[];
  readonly retention: "limits" | "workqueue";
  readonly storage: "file" | "memory";
  readonly discard: "old" | "new";
  readonly maxAgeMs: number;
  readonly maxBytes: number;
  readonly maxMessagesPerSubject: number;
  readonly atomic: boolean;
  readonly direct: boolean;
  readonly messageTtl: boolean;
  readonly rollup: boolean;
  readonly denyDelete: boolean;
  readonly republish: { readonly src: string; readonly dest: string } | null;
  readonly sources: readonly {
    readonly name: string;
    readonly transforms: readonly { readonly src: string; readonly dest: string }[];
  }[];
  readonly description: string;
};

const plain = {
  retention: "limits",
  storage: "file",
  discard: "old",
  maxAgeMs: 0,
  maxBytes: -1,
  maxMessagesPerSubject: -1,
  atomic: false,
  direct: true,
  messageTtl: false,
  rollup: false,
  denyDelete: false,
  republish: null,
  sources: [],
} as const satisfies Partial<StreamSpec>;

const bucket = {
  ...plain,
  discard: "new",
  maxMessagesPerSubject: 1,
  atomic: true,
  messageTtl: true,
  rollup: true,
  denyDelete: true,
} as const;

export const STREAM = {
  submit: "MUSTER_SUBMIT",
  queue: "MUSTER_QUEUE",
  resources: "MUSTER_RESOURCES",
  facts: "MUSTER_FACTS",
  events: "MUSTER_EVENTS",
  dead: "MUSTER_DEAD",
} as const;

/** All streams, in the order in which they can be created (a source before its reader). */
export const streamSpecs = (replicas: number): readonly StreamSpec[] => [
  {
    ...bucket,
    name: bucketStream(STATE_BUCKET),
    subjects: [keySubject(STATE_BUCKET, ">")],
    republish: { src: keySubject(STATE_BUCKET, "instance.>"), dest: "muster.launch.>" },
    description: "the truth: wishes, placements, ledgers, launch commands",
  },
  {
    ...bucket,
    name: bucketStream(HEALTH_BUCKET),
    subjects: [keySubject(HEALTH_BUCKET, ">")],
    description: "verdicts per instance and agent; can be rebuilt",
  },
  {
    ...bucket,
    name: bucketStream(LEASES_BUCKET),
    subjects: [keySubject(LEASES_BUCKET, ">")],
    atomic: false,
    maxAgeMs: replicas > 1 ? LEASE_REPLICATED_TTL_MS : LEASE_TTL_MS,
    description: "one key per living process; it ends when it is not renewed",
  },
  {
    ...plain,
    name: STREAM.submit,
    subjects: ["muster.submit.>"],
    maxAgeMs: 7 * DAY_MS,
    maxBytes: 1024 * MIB,
    description: "specs as people published them",
  },
  {
    ...plain,
    name: STREAM.queue,
    subjects: ["muster.queue.>"],
    retention: "workqueue",
    atomic: true,
    maxMessagesPerSubject: 1,
    maxAgeMs: DAY_MS,
    description: "wake-ups: look at this app",
  },
  {
    ...plain,
    name: STREAM.resources,
    subjects: ["muster.resources.>"],
    maxMessagesPerSubject: 1,
    maxAgeMs: 7 * DAY_MS,
    description: "the last word of each agent about itself",
  },
  {
    ...plain,
    name: STREAM.facts,
    subjects: ["muster.facts.>"],
    atomic: true,
    maxAgeMs: 3 * DAY_MS,
    maxBytes: 4096 * MIB,
    description: "what agents report of instances",
  },
  {
    ...plain,
    name: STREAM.events,
    subjects: [],
    messageTtl: false,
    maxAgeMs: 7 * DAY_MS,
    maxBytes: 4096 * MIB,
    republish: { src: ">", dest: ">" },
    sources: [
      {
        name: bucketStream(STATE_BUCKET),
        // All kinds by one filter: with several the server searches its index of subjects for each event.
        transforms: [
          {
            src: keySubject(STATE_BUCKET, "event.*.*.*.*"),
            dest: "muster.events.{{wildcard(1)}}.{{wildcard(2)}}.{{wildcard(3)}}",
          },
        ],
      },
      {
        name: STREAM.facts,
        transforms: [
          {
            src: "muster.facts.*.*.*.*.*.*",
            dest: "muster.events.task.{{wildcard(3)}}.{{wildcard(4)}}.{{wildcard(5)}}.{{wildcard(6)}}",
          },
        ],
      },
    ],
    description: "the public feed of events",
  },
  {
    ...plain,
    name: STREAM.dead,
    subjects: [
      "muster.dead.>",
      "$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.MUSTER_QUEUE.>",
      "$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.MUSTER_SUBMIT.>",
    ],
    maxAgeMs: 30 * DAY_MS,
    maxBytes: 256 * MIB,
    description: "messages nobody could handle, each with its error",
  },
];

/** A durable work consumer shared by every process of a service. */
export type ConsumerSpec = {
  readonly stream: string;
  readonly durable: string;
  readonly filter: string;
  readonly ackWaitMs: number;
  readonly maxDeliver: number;
};

export const wakeDurable = (wakeClass: WakeClass): string => `placement-${wakeClass}`;

/** The durable that hands out the events of one subscription; a URL that is subscribed anew gets another one. */
export const callbackDurable = ({ id, createdAtMs }: { readonly id: string; readonly createdAtMs: number }): string =>
  `callback-${id}-${createdAtMs}`;

export const consumerSpecs: readonly ConsumerSpec[] = [
  {
    stream: STREAM.submit,
    durable: "gateway",
    filter: "muster.submit.>",
    ackWaitMs: WORK_ACK_WAIT_MS,
    maxDeliver: DELIVERIES_MAX,
  },
  ...WAKE_CLASSES.map((wakeClass) => ({
    stream: STREAM.queue,
    durable: wakeDurable(wakeClass),
    filter: `muster.queue.${wakeClass}.>`,
    ackWaitMs: WORK_ACK_WAIT_MS,
    maxDeliver: DELIVERIES_MAX,
  })),
];
