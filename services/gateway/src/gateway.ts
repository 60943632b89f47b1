/** What the endpoints stand on: two views, one way to commit, telemetry, and the world's time and chance. */
import {
  type AppId,
  BATCH_MESSAGES_MAX,
  type Circumstances,
  type Decision,
  type HealthView,
  type Lease,
  MusterError,
  type Plan,
  type ReadApp,
  type Requester,
} from "@muster/contracts";
import { type Change, purgeOldVersions, type StandingState, withFirstStep } from "@muster/core";
import { createLog, type Metrics, type Span, type Telemetry, withSpan } from "@muster/runtime";
import type { CallbackHosts } from "./events/callback-url.ts";
import type { EventStreams } from "./events/streams.ts";
import { currentDeadline } from "./http/deadline.ts";
import { type GatewayLimits, refuseBeyond } from "./limits.ts";

export const SERVICE = "gateway";
export const log = createLog(SERVICE);

export type Gateway = {
  readonly state: StandingState & { readonly complete: boolean };
  readonly health: HealthView & { readonly complete: boolean };
  readonly telemetry: Telemetry;
  /**
   * Commits what `decide` answers, and asks it again when another was faster. Nothing to write is fine. What has not gone out when `signal`
   * aborts is dropped.
   */
  commit(decide: () => Decision, signal?: AbortSignal): Promise<void>;
  readonly limits: GatewayLimits;
  /** `host:port` under which this gateway answers: as it is advertised, as the client asked (`host`), as it listens. null: it does not. */
  address(host: string | undefined): string | null;
  /** Reads documents that nobody needed so far, before a question that walks all of them. */
  readSoon(): Promise<void>;
  readonly metrics: Metrics;
  /** Tells a process to give its shards of a service to others. Answers whether it will. */
  abdicate(process: string, service: string): Promise<boolean>;
  /** How many deployments run. */
  runningDeployments(): number;
  /** The processes that live. */
  leases(): readonly Lease[];
  circumstances(): Circumstances;
  /** What a spec would change; nothing is changed. */
  plan(reading: ReadApp, force: boolean): Promise<Plan>;
  drawId(): string;
  readonly streams: EventStreams;
  /** Of the newest event there is. */
  lastEventSequence(): Promise<number>;
  readonly callbackHosts: CallbackHosts;
};

/** How long clients wait before they ask a gateway again that has not read everything yet. */
export const RETRY_AFTER_SECONDS = 1;

/** Throws `cluster.not-ready`: answers and decisions from half a view would be wrong, and nothing would say so. */
export function refuseNotReady({ state, health }: Pick<Gateway, "state" | "health">): void {
  if (state.complete && health.complete) return;
  throw new MusterError(
    "cluster.not-ready",
    "This gateway has not read the cluster's state yet, or has lost its nats-server: try again in a moment",
  );
}

/** Where a change comes from. */
export type Origin = { readonly by: Requester; readonly submitted: number | null };

/** Reads and checks what people sent, in a span of its own. */
export const validate = <T>({ telemetry }: Gateway, parent: Span, read: () => T | Promise<T>): Promise<T> =>
  withSpan(telemetry, SERVICE, "validate", { parent: parent.traceparent }, read);

/**
 * Decides and commits, in a span of its own. Answers what the decision that was committed answered.
 * Throws what `decide` throws, `cluster.timeout` when it is too late to decide, `cluster.not-ready` while nats is away, `internal` when the server refuses the batch.
 */
export function commit<A>(
  gateway: Gateway,
  parent: Span,
  decide: (at: Circumstances) => { readonly decision: Decision; readonly answer: A },
): Promise<A> {
  return withSpan(gateway.telemetry, SERVICE, "commit", { parent: parent.traceparent }, async (span) => {
    const answers: A[] = [];
    const deadline = currentDeadline();
    try {
      await gateway.commit(() => {
        deadline?.signal.throwIfAborted();
        refuseNotReady(gateway);
        const { decision, answer } = decide(gateway.circumstances());
        refuseBeyond(gateway.state, gateway.limits, gateway.runningDeployments(), decision);
        answers.push(answer);
        deadline?.goesOut();
        const room = Math.max(0, BATCH_MESSAGES_MAX - messagesOf(decision));
        const purges = purgeOldVersions(gateway.state, decision.writes, gateway.limits.versions).slice(0, room);
        return purges.length === 0 ? decision : { ...decision, writes: [...decision.writes, ...purges] };
      }, deadline?.signal);
    } catch (cause) {
      if (cause instanceof MusterError) throw cause;
      refuseNotReady(gateway);
      throw new MusterError("internal", `The change could not be stored: ${(cause as Error).message}`, { cause });
    }
    span.set({ "muster.tries": answers.length });
    return answers.at(-1) as A;
  });
}

/** Messages a decision takes in its batch: assertions ride on what has no expectation of its own, or need carriers. */
export function messagesOf({ writes, events, asserts }: Decision): number {
  const free = events.length + writes.filter(({ expect }) => expect === null).length;
  return writes.length + events.length + Math.max(0, asserts.length - free);
}

/** Commits a change of one app together with the first step of its deployment, which has a span as each step of the deployer has. */
export async function commitChange(
  gateway: Gateway,
  parent: Span,
  app: AppId,
  decide: (at: Circumstances) => Change,
): Promise<Change["answer"]> {
  const { state, health, telemetry } = gateway;
  const span = telemetry.start(SERVICE, "deploy", { parent: parent.traceparent, attributes: { "muster.app": app } });
  let hasStep = false;
  const answer = await commit(gateway, parent, (at) => {
    const change = decide(at);
    try {
      const together = withFirstStep(state, health, { app, trace: span.traceparent }, change, at);
      hasStep = together !== change;
      return together;
    } catch (cause) {
      // The change itself is sound, and what ails the app is for the deployer to tell.
      log.error({ app, error: (cause as Error).message }, "the first step of a deployment cannot be decided");
      return change;
    }
  });
  if (hasStep) {
    span.set({ "muster.deployment": answer.deployment });
    span.end();
  }
  return answer;
}
