/** Every bound of the control plane, in one place, so that they can be checked against each other as this file loads. */

function assert(holds: boolean, why: string): void {
  if (!holds) throw new Error(`limits contradict each other: ${why}`);
}

/** nats-server takes 1,000 messages an atomic batch. */
export const BATCH_MESSAGES_MAX = 1_000;
/** Instances decided and committed in one round; each costs a record, its share of a ledger and of events. */
export const ROUND_INSTANCES_MAX = 400;
/** Size of a spec as it is sent to us. */
export const SPEC_BYTES_MAX = 1_000_000;
/** What a gateway may be set to take as one body; each spec in it keeps its own bound when it is stored. */
export const BODY_BYTES_MAX = 16_000_000;
/** Deeper documents are refused before anything walks them. */
export const SPEC_DEPTH_MAX = 64;
export const APP_INSTANCES_MAX = 5_000;
/** Ports of an app: each takes a claim of its own in the batch that stores or forgets a version. */
export const APP_PORTS_MAX = 250;
/** Items of each list that says where an app may run: every one is looked at for every agent. */
export const SPEC_TERMS_MAX = 32;
/** Sizes that a rollout in batches may name. */
export const ROLLOUT_BATCHES_MAX = 50;

/** Versions of a group that are kept to go back to. */
export const GROUP_VERSIONS_MAX = 50;

export const LEASE_TTL_MS = 4_000;
export const LEASE_RENEW_MS = 1_200;
/** A replicated cluster needs longer leases than an election takes. */
export const LEASE_REPLICATED_TTL_MS = 15_000;

export const HEARTBEAT_MS = 1_000;
export const SUSPECT_AFTER_BEATS = 3;
export const UNREACHABLE_AFTER_BEATS = 8;
/** Silence on the heartbeat channel after which an agent tests its connection. */
export const SILENCE_PROBE_MS = 2_000;

/** Placed and not accepted by its agent within this time: shown as overdue. */
export const ACCEPT_WITHIN_MS = 30_000;
export const KILL_GRACE_MS = 3_000;

/** Purge markers live this long; a view that was away longer is built anew. */
export const MARKER_TTL_MS = 3_600_000;
/** A decision's event stays this long in the state bucket; the feed has sourced it long before. */
export const EVENT_TTL_MS = 3_600_000;
/** A finished deployment is kept for people to look at. */
export const DEPLOYMENT_HISTORY_MS = 7 * 24 * 3_600_000;
/** How many ended instances an app's answer remembers. */
export const ENDED_KEPT_MAX = 30;
/** Characters kept of a failure's message once its instance is released: the row set is written often. */
export const ENDED_MESSAGE_MAX = 500;

/** Characters kept of the last answer to a readiness check: every view of the health bucket holds it. */
export const READINESS_BODY_MAX = 1_024;
/** Events that a client of an event stream may be behind; then it is told and cut off. */
export const STREAM_OUTSTANDING_MAX = 1_024;
/** For so long it may be: a burst of events is no slowness. */
export const STREAM_BEHIND_MS = 2_000;
/** A client that takes nothing at all, not even a heartbeat, is cut off after this time. */
export const STREAM_STALLED_MS = 60_000;
/** An event stream is never silent for longer. */
export const STREAM_HEARTBEAT_MS = 10_000;
/** The newest events a gateway keeps in memory for all its clients; who is further behind is served from the stream. */
export const STREAM_KEPT_MAX = 4_096;
export const STREAM_KEPT_BYTES_MAX = 16_000_000;
/** Callbacks that events are posted to. */
export const SUBSCRIPTIONS_MAX = 100;
/** How long a callback may take over one event. */
export const CALLBACK_WITHIN_MS = 10_000;
/** Tries of one event, each after a longer pause, until its callback counts as suspended. */
export const CALLBACK_TRIES_MAX = 15;
/** The longest pause between two of them. */
export const CALLBACK_RETRY_MS = 60_000;
/** The pause between two tries of a suspended callback. */
export const CALLBACK_PROBE_MS = 300_000;

export const WORK_ACK_WAIT_MS = 10_000;
/** A message that crashed its handler this often is parked in MUSTER_DEAD. */
export const DELIVERIES_MAX = 6;

export const PORT_RANGE = { first: 31_000, last: 32_000 } as const;
export const SERVICE_PORT_RANGE = { first: 10_000, last: 20_000 } as const;

assert(LEASE_TTL_MS > 3 * LEASE_RENEW_MS, "two lost renewals must not cost the lease");
assert(SUSPECT_AFTER_BEATS < UNREACHABLE_AFTER_BEATS, "suspicion comes before loss");
assert(SPEC_BYTES_MAX <= BODY_BYTES_MAX, "a body may hold a whole spec");
assert(2 * ROUND_INSTANCES_MAX + 100 <= BATCH_MESSAGES_MAX, "a round and its ledgers must fit one batch");
assert(2 * APP_PORTS_MAX + 100 <= BATCH_MESSAGES_MAX, "a version and the one it drives out must fit one batch");
assert(STREAM_OUTSTANDING_MAX < STREAM_KEPT_MAX, "a client that keeps up is served from memory");
assert(3 * STREAM_HEARTBEAT_MS < STREAM_STALLED_MS, "a client counts as stalled only after heartbeats it did not take");
assert(CALLBACK_RETRY_MS < CALLBACK_PROBE_MS, "a suspended callback is tried less often than one that may come back");
assert(EVENT_TTL_MS <= MARKER_TTL_MS, "events end before markers");
