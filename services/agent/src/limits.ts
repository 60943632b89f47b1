/** Bounds of one agent, in one place, so that they can be checked against each other as this file loads. */
import { BATCH_MESSAGES_MAX, READINESS_BODY_MAX } from "@muster/contracts";

/** Facts in one atomic batch: small enough that a slow link does not hold the whole outbox back. */
export const FLUSH_FACTS_MAX = 200;
/** So many waiting facts go one by one. */
export const FLUSH_ALONE_MAX = 2;
/** The journal is rewritten when it is longer than this and has grown to a multiple of what it needs. */
export const JOURNAL_BYTES_MAX = 4 * 1024 * 1024;
export const JOURNAL_GROWTH_FACTOR = 4;
/** An ended instance whose record was purged is remembered this long, in case an older answer still names it. */
export const TOMBSTONE_KEPT_MS = 3_600_000;

/** How often a process that this agent did not start itself is looked at: its parent hears of its end, we do not. */
export const ADOPTED_POLL_MS = 500;
/** Pause between two looks at the process table; everybody who asks meanwhile shares the next one. */
export const SCAN_PAUSE_MS = 50;
/** After SIGKILL the kernel may hold a process for a while; then its end is reported without it. */
export const KILLED_WAIT_MS = 5_000;

/** Processes are prepared this many at a time, while one of them is being started: starts themselves follow each other. */
export const PROCESS_STARTS_MAX = 6;
/** When so many starts come together, a process of its own makes them. */
export const HELPED_STARTS_MIN = 4;
/** It ends so long after the last task that it started. */
export const HELPER_IDLE_MS = 60_000;
/** Containers are prepared and started this many at a time; the engine is the slower part. */
export const CONTAINER_STARTS_MAX = 8;
/** Answers of the engine that take longer are treated as unknown. */
export const ENGINE_TIMEOUT_MS = 30_000;
/** An engine that does not even answer a ping in this time is not usable. */
export const ENGINE_PING_MS = 5_000;
/** The list of containers is compared this often, because events may be missed. */
export const ENGINE_LIST_MS = 5_000;
/** An image that was seen is taken to be there for so long; the engine says so when it is not. */
export const IMAGE_SEEN_MS = 30_000;
/** Names of images in a report; the newest are told. */
export const IMAGES_TOLD_MAX = 200;
/** The engine is asked for its images this often, because others may pull and remove them too. */
export const IMAGES_LOOK_MS = 60_000;
/** A changed list is told at most this often. */
export const IMAGES_TELL_MS = 30_000;
/** A start that takes its time says so this often, while it gets on: whoever waits for it then waits on. */
export const PROGRESS_TOLD_MS = 30_000;
/** Docker refuses less. */
export const CONTAINER_MEMORY_MIN_MIB = 32;

/** Lines and bytes of output that a failure's message carries. */
export const FAILURE_LINES = 10;
export const FAILURE_BYTES_MAX = 2_048;

/** One message of task output. */
export const LOG_CHUNK_BYTES_MAX = 64 * 1024;
/** Growth of followed files is looked for this often. */
export const LOG_POLL_MS = 200;
export const LOG_FOLLOW_MAX_MS = 3_600_000;
/** A follower that sends no sign of life for this long is gone; it sends one every five seconds. */
export const LOG_KEEPALIVE_MS = 15_000;

/** The first probes of a check come quickly, so that a quick start is seen quickly. */
export const FIRST_PROBE_MS = 100;
/** No check waits longer than this for its first probe, however long its interval (Marathon's rule). */
export const FIRST_PROBE_MAX_MS = 5_000;

/** That a task is not ready yet is told from then on: a quick start costs no fact of it. */
export const UNREADY_TOLD_FROM_MS = 1_000;
/** Of an answer's body no more is read: a readiness check wants to know, not to download. */
export const READINESS_BYTES_MAX = 4 * READINESS_BODY_MAX;

/** A fact that the next one is close behind waits this long for it, so that both travel together. */
export const COMPANY_MS = 50;
/** While more starts wait their turn, a checkpoint waits this long to share the disk's time with the next ones. */
export const CROWD_WRITE_MS = 20;
/** And its fact so long to share a batch: each costs the server, and everybody who listens, as much as a start costs us. */
export const CROWD_SEND_MS = 100;
/** That facts were stored is written down with whatever comes next, or after so long. */
export const STORED_WITHIN_MS = 1_000;

/** Wait for facts to be stored when the agent stops. */
export const STOP_FLUSH_MS = 2_000;

function assert(holds: boolean, why: string): void {
  if (!holds) throw new Error(`limits contradict each other: ${why}`);
}
assert(FLUSH_FACTS_MAX <= BATCH_MESSAGES_MAX, "a flush must fit one batch");
assert(LOG_KEEPALIVE_MS >= 3 * 5_000, "two lost signs of life must not end a follower");
assert(HELPED_STARTS_MIN < PROCESS_STARTS_MAX, "a crowd of starts must be seen as one");
assert(FIRST_PROBE_MS < FIRST_PROBE_MAX_MS, "probes begin quickly and slow down");
