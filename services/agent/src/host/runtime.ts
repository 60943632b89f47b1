/** What every way of running a task has in common. */
import type { Resources, RunDocument, RuntimeName } from "@muster/contracts";
import type { Handle } from "../journal/entries.ts";
import type { Sandbox } from "./sandbox.ts";

/** Words in a fact's `reason`. A closed list: programs compare them, README.md explains them. */
export const REASONS = [
  "accepted",
  "queued",
  "pulling",
  "started",
  "adopted",
  "exited",
  "signalled",
  "command-not-found",
  "command-not-executable",
  "out-of-memory",
  "exit-unknown",
  "container-gone",
  "killed-on-request",
  "never-started",
  "health-check",
  "agent-stopping",
  "check-passed",
  "check-failed",
  "ready",
  "not-ready",
  "checked",
  "lost-at-restart",
  "malformed-record",
  "runtime-unavailable",
  "unknown-user",
  "user-refused",
  "no-command",
  "no-image",
  "image-not-found",
  "unsupported-parameter",
  "privileged-refused",
  "spawn-failed",
  "container-failed",
] as const;
export type Reason = (typeof REASONS)[number];

/** What is asked of a runtime: one instance in its sandbox. */
export type Order = {
  readonly instance: string;
  readonly run: RunDocument;
  readonly resources: Resources;
  readonly sandbox: Sandbox;
  /** Tells that the image is being pulled, and again while it gets on. */
  pulling(message: string): void;
  /** Wraps a part of the start, so that a trace shows where its time went. */
  step<T>(name: string, work: () => Promise<T>): Promise<T>;
};

/** How a task ended, as its runtime saw it; whether that was wanted is decided by others. */
export type Ending = {
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly reason: Reason;
  /** A sentence without the task's output. */
  readonly message: string;
};

export type OutputStream = "stdout" | "stderr";

/** A task that was started or found. */
export type Running = {
  readonly handle: Handle;
  /** Resolves once nothing of the task is left; never rejects. */
  readonly ended: Promise<Ending>;
  /** SIGTERM now, SIGKILL after the grace period, to all of it. Asking again with less grace shortens it. */
  kill(graceMs: number): void;
  /** Runs a shell line, or arguments as they are, beside the task and returns its exit status; null when it took too long. */
  exec(command: string | readonly string[], timeoutMs: number): Promise<number | null>;
  /** The address a check reaches this port at; null where no network leads to it. */
  addressOf(port: number): string | null;
  /** Reads output from where it is kept, or null when the sandbox's files have it. */
  output: ((stream: OutputStream, options: OutputOptions) => AsyncIterable<Buffer>) | null;
};

export type OutputOptions = { readonly tail: number | null; readonly follow: boolean; readonly signal: AbortSignal };

export type Found =
  | { readonly type: "live"; readonly running: Running }
  | { readonly type: "ended"; readonly ending: Ending }
  | { readonly type: "nothing"; readonly why: string }
  /** The runtime cannot say now; ask again. */
  | { readonly type: "unknown" };

export type Listed = { readonly instance: string; readonly live: boolean };

export type Usable = { readonly usable: boolean; readonly reason: string };

/** A task that could not be started. The message is a sentence for people. */
export class LaunchError extends Error {
  readonly reason: Reason;
  constructor(reason: Reason, message: string) {
    super(message);
    this.name = "LaunchError";
    this.reason = reason;
  }
}

export type TaskRuntime = {
  readonly name: RuntimeName;
  usable(): Promise<Usable>;
  /**
   * Starts a task; called once in the life of an instance.
   * @param mayStart until it resolves things may be made ready, and nothing is started; it never rejects
   * @throws LaunchError when it did not start
   */
  launch(order: Order, signal: AbortSignal, mayStart?: Promise<unknown>): Promise<Running>;
  /** Finds what became of a task that an earlier process of this agent meant to start. */
  adopt(order: Order, handle: Handle | null): Promise<Found>;
  /** The tasks of this work directory that are there now; null when the runtime cannot say. */
  list(): Promise<readonly Listed[] | null>;
  /** Removes what an ended task left behind, after its end was written down. */
  discard(instance: string): Promise<void>;
  close(): Promise<void>;
};
