/**
 * The life of one instance on this agent. States and moves:
 *
 *   staging  -> running   it was started (or found started after a restart of the agent)
 *   staging  -> error     it could not be started
 *   staging  -> killed    it was asked to end before it was started
 *   running  -> killing   it was asked to end, or its health check gave up on it
 *   running  -> finished, failed   it ended by itself
 *   killing  -> killed, failed     it is gone; failed when a health check wanted it
 *   any      -> failed    nothing of it was found after a restart of the agent
 *
 * Every move is a fact, and is on disk before the next step is taken.
 */
import type { CheckResponse, CheckResult, HealthRecord, InstanceDocument } from "@muster/contracts";
import type { Log } from "@muster/runtime/log";
import type { Span, Telemetry } from "@muster/runtime/telemetry";
import type { Checks } from "../checks/checks.ts";
import { type Found, LaunchError, type Order, type Running, type TaskRuntime } from "../host/runtime.ts";
import { type Sandbox, sandboxOf } from "../host/sandbox.ts";
import type { Entry, Kept } from "../journal/entries.ts";
import type { Journal, Patience } from "../journal/journal.ts";
import {
  COMPANY_MS,
  CROWD_SEND_MS,
  CROWD_WRITE_MS,
  ENGINE_LIST_MS,
  FAILURE_BYTES_MAX,
  FAILURE_LINES,
  PROGRESS_TOLD_MS,
} from "../limits.ts";
import { lastLines } from "../logs/lines.ts";
import { makeFact, type Self, type Statement } from "./facts.ts";
import { type KillReason, killReasonOf, outcomeOf } from "./outcome.ts";
import type { Pool } from "./pool.ts";

export type TaskTools = {
  readonly workDir: string;
  readonly journal: Journal;
  readonly self: Self;
  readonly telemetry: Telemetry;
  readonly clock: () => number;
  readonly log: Log;
  readonly startChecks: (task: CheckedTask) => Checks;
};

/** What checks see of a task, and what they may do to it. */
export type CheckedTask = {
  readonly record: InstanceDocument;
  readonly running: Running;
  readonly runningAtMs: number;
  readonly healthy: boolean | null;
  /** What was last told of each health check; null before anything was. */
  readonly health: readonly HealthRecord[] | null;
  changed(healthy: boolean, message: string, health: HealthRecord[]): void;
  giveUp(message: string): void;
  /** True once it was ready, which is never asked again. */
  readonly ready: boolean;
  answered(ready: boolean, message: string, response: CheckResponse | null): void;
  /** What the app's check was last told to have found; null before anything was. */
  readonly checkResult: CheckResult | null;
  found(result: CheckResult, message: string): void;
};

/** While many start, what each has to say waits for the others. */
const CROWD: Patience = { writeMs: CROWD_WRITE_MS, sendMs: CROWD_SEND_MS };

const NOT_READY = { state: "unready", reason: "not-ready" } as const;

export class Task {
  readonly record: InstanceDocument;
  readonly kept: Kept;
  readonly sandbox: Sandbox;
  running: Running | null = null;
  readonly #tools: TaskTools;
  readonly #runtime: TaskRuntime;
  readonly #abort = new AbortController();
  #killing: { reason: KillReason; message: string } | null = null;
  #traceparent: string | null;
  #killSpan: Span | null = null;
  #checks: Checks | null = null;
  #left = false;

  constructor(tools: TaskTools, runtime: TaskRuntime, record: InstanceDocument, kept: Kept) {
    this.#tools = tools;
    this.#runtime = runtime;
    this.record = record;
    this.kept = kept;
    this.sandbox = sandboxOf(tools.workDir, record.instance);
    this.#traceparent = record.trace;
  }

  /** Starts an instance that was never started before. Resolves when its end is written down. */
  async launch(pool: Pool): Promise<void> {
    const { app, instance, version } = this.record;
    const span = this.#tools.telemetry.start("agent", `launch ${app}`, {
      parent: this.record.trace,
      kind: "consumer",
      attributes: { "muster.instance": instance, "muster.version": version, "muster.runtime": this.#runtime.name },
    });
    this.#traceparent = span.traceparent;
    // A process runs a moment later; an image may have to be pulled, and people want to know.
    const sendMs = this.#runtime.name === "process" ? COMPANY_MS : 0;
    const accepted = this.#tell({ state: "staging", reason: "accepted", message: "accepted by its agent" }, [], {
      sendMs,
    });
    let running: Running;
    const queued = setInterval(
      () => this.#tellProgress("queued", "waits for starts before it"),
      PROGRESS_TOLD_MS,
    ).unref();
    try {
      running = await pool.run(() => {
        clearInterval(queued);
        return this.#runtime.launch(this.#order(span), this.#abort.signal, accepted);
      });
    } catch (cause) {
      span.end(cause);
      return this.#notStarted(cause);
    }
    span.set({ "muster.pid": running.handle.pid });
    span.end();
    await this.#started(running, "started", "started", pool.waiting > 0 ? CROWD : {});
    await this.#end(running);
  }

  /** Takes up an instance that an earlier process of this agent meant to start. `settled` when it is known what became of it. */
  async adopt(settled: () => void): Promise<void> {
    this.#killing = this.#resumedKill();
    let found = await this.#find();
    while (found.type === "unknown" && !this.#left) {
      settled();
      await new Promise((resolve) => setTimeout(resolve, ENGINE_LIST_MS).unref());
      found = await this.#find();
    }
    settled();
    switch (found.type) {
      case "live":
        await this.#started(found.running, "adopted", "still running after its agent was away");
        return this.#end(found.running);
      case "ended":
        return this.#ended(found.ending);
      case "unknown":
        return;
      case "nothing":
        return this.#ended({
          exitCode: null,
          signal: null,
          reason: "lost-at-restart",
          message: `lost while its agent was away: ${found.why}`,
        });
    }
  }

  /** Asks it to end. The first reason stays; asking again may only shorten the grace period. */
  kill(reason: KillReason, message: string, trace: string | null, graceMs = this.record.run.killGraceMs): void {
    if (this.#killing === null) {
      this.#killing = { reason, message };
      this.#killSpan = this.#tools.telemetry.start("agent", `kill ${this.record.app}`, {
        parent: trace ?? this.#traceparent,
        attributes: { "muster.instance": this.record.instance, "muster.reason": reason },
      });
      this.#traceparent = this.#killSpan.traceparent;
      this.#abort.abort(new Error(message));
      // Told first: were we killed in between, its end would be taken for a failure.
      if (this.running !== null) void this.#tellKilling().then(() => this.running?.kill(graceMs));
    } else this.running?.kill(graceMs);
  }

  /** The agent goes, the task stays. */
  leave(): void {
    this.#left = true;
    this.#checks?.stop();
  }

  #resumedKill(): { reason: KillReason; message: string } | null {
    const reason = killReasonOf(this.kept.killReason);
    return reason === null ? null : { reason, message: "was being ended when its agent was restarted" };
  }

  #find(): Promise<Found> {
    return this.#runtime.adopt(this.#order(null), this.kept.handle);
  }

  /** Its start is on disk before anything else is said of it. */
  async #started(
    running: Running,
    reason: "started" | "adopted",
    message: string,
    patience: Patience = {},
  ): Promise<void> {
    this.running = running;
    const entries: Entry[] = [{ type: "started", instance: this.record.instance, handle: running.handle }];
    if (this.#killing !== null) {
      if (this.kept.state === "killing") await this.#tools.journal.write(entries);
      else await this.#tellKilling(entries);
      running.kill(this.record.run.killGraceMs);
    } else if (this.kept.state === "running") {
      if (this.kept.handle === null) await this.#tools.journal.write(entries);
    } else await this.#tell({ state: "running", reason, message, adopted: reason === "adopted" }, entries, patience);
  }

  async #end(running: Running): Promise<void> {
    this.#checks = this.#tools.startChecks({
      record: this.record,
      running,
      runningAtMs: this.kept.runningAtMs ?? this.#tools.clock(),
      healthy: this.kept.healthy,
      health: this.kept.health,
      changed: (healthy, message, health) => {
        if (this.#killing !== null) return;
        void this.#tell({
          state: healthy ? "healthy" : "unhealthy",
          reason: healthy ? "check-passed" : "check-failed",
          message,
          health,
        });
      },
      giveUp: (message) => this.kill("health-check", message, null),
      ready: this.kept.ready === true,
      answered: (ready, message, response) => {
        if (this.#killing !== null) return;
        const said = ready ? ({ state: "ready", reason: "ready" } as const) : NOT_READY;
        void this.#tell({ ...said, message, response });
      },
      checkResult: this.kept.checkResult,
      found: (checkResult, message) => {
        if (this.#killing === null) void this.#tell({ state: "checked", reason: "checked", message, checkResult });
      },
    });
    if (this.#left) this.#checks.stop();
    const ending = await running.ended;
    this.#checks.stop();
    await this.#ended(ending);
  }

  async #ended(ending: Awaited<Running["ended"]>): Promise<void> {
    const outcome = outcomeOf(this.#killing, ending);
    const message = outcome.state === "failed" ? this.#withOutput(outcome.message) : outcome.message;
    await this.#tell({ ...outcome, message, exitCode: ending.exitCode, signal: ending.signal });
    this.#killSpan?.end();
    this.running = null;
    await this.#runtime.discard(this.record.instance);
  }

  async #notStarted(cause: unknown): Promise<void> {
    if (this.#killing !== null) {
      const { reason, message } = this.#killing;
      await this.#tell({ state: "killed", reason, message: `${message}; it was not started yet` });
      this.#killSpan?.end();
    } else if (cause instanceof LaunchError) {
      await this.#tell({ state: "error", reason: cause.reason, message: cause.message });
    } else {
      this.#tools.log.error(
        { instance: this.record.instance, error: cause },
        "a start went wrong in a way nobody foresaw",
      );
      await this.#tell({
        state: "error",
        reason: "spawn-failed",
        message: `it could not be started: ${(cause as Error).message}`,
      });
    }
    await this.#runtime.discard(this.record.instance);
  }

  #tellProgress(reason: "queued" | "pulling", message: string): void {
    if (this.#killing === null && !this.#left) void this.#tell({ state: "staging", reason, message });
  }

  #tellKilling(entries: readonly Entry[] = []): Promise<void> {
    const { reason, message } = this.#killing as { reason: KillReason; message: string };
    return this.#tell({ state: "killing", reason, message }, entries, { sendMs: COMPANY_MS });
  }

  /** The number is drawn and the line queued in one step, so that numbers are in order on disk. */
  #tell(said: Statement, before: readonly Entry[] = [], patience: Patience = {}): Promise<void> {
    const { journal, self, clock } = this.#tools;
    const handle = this.running?.handle ?? this.kept.handle;
    const event = makeFact(
      self,
      this.record,
      { handle, ...said },
      {
        number: journal.drawNumber(),
        recordSequence: this.kept.sequence,
        traceparent: this.#traceparent,
        atMs: clock(),
      },
    );
    return journal.write([...before, { type: "fact", event }], patience);
  }

  #withOutput(message: string): string {
    const output = lastLines(this.sandbox.stderr, FAILURE_LINES, FAILURE_BYTES_MAX);
    return output === "" ? message : `${message}; its last words on stderr:\n${output}`;
  }

  #order(span: Span | null): Order {
    const { telemetry } = this.#tools;
    return {
      instance: this.record.instance,
      run: this.record.run,
      resources: this.record.resources,
      sandbox: this.sandbox,
      pulling: (message) => this.#tellProgress("pulling", message),
      step: async (name, work) => {
        if (span === null) return work();
        const step = telemetry.start("agent", name, { parent: span.traceparent });
        try {
          const result = await work();
          step.end();
          return result;
        } catch (cause) {
          step.end(cause);
          throw cause;
        }
      },
    };
  }
}
