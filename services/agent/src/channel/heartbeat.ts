/**
 * A beat every second, answered by whoever holds this agent's shard with how many records were written for it and who
 * registered last. Silence first makes us test the connection: a broker that is down is no reason to connect anew.
 */
import { type Heartbeat, HeartbeatReplySchema, SILENCE_PROBE_MS, subjects } from "@muster/contracts";
import { type Log, type Nats, pause } from "@muster/runtime";
import type { Identity } from "../journal/identity.ts";
import type { AgentStop } from "../stop.ts";
import { within } from "../within.ts";
import { replacedBy } from "./registration.ts";

export type HeartbeatTools = {
  readonly nats: Nats;
  readonly agent: string;
  readonly identity: Identity;
  readonly everyMs: number;
  readonly log: Log;
  readonly state: () => { n: number; live: number };
  readonly onCounted: (n: number) => void;
  readonly onReplaced: (stop: AgentStop) => void;
};

/** @returns how to stop it */
export function startHeartbeat({
  nats,
  agent,
  identity,
  everyMs,
  log,
  state,
  onCounted,
  onReplaced,
}: HeartbeatTools): () => void {
  let stopped = false;
  let answeredAtMs = performance.now();
  let probing = false;

  const beat = async (): Promise<void> => {
    const body: Heartbeat = { agent, incarnation: identity.incarnation, nonce: identity.nonce, ...state() };
    try {
      const message = await nats.connection.request(subjects.heartbeat(agent), JSON.stringify(body), {
        timeout: Math.max(100, Math.min(everyMs, SILENCE_PROBE_MS / 2)),
      });
      answeredAtMs = performance.now();
      const reply = HeartbeatReplySchema.parse(message.json());
      if (reply.nonce !== "" && reply.nonce !== identity.nonce && reply.incarnation >= identity.incarnation)
        return onReplaced(replacedBy(agent, reply.incarnation));
      onCounted(reply.n);
    } catch (cause) {
      // "No responders" is the server's own answer: the connection is sound and the broker away.
      if (/no responders/i.test((cause as Error).message)) answeredAtMs = performance.now();
      else if (performance.now() - answeredAtMs > SILENCE_PROBE_MS) await probe();
    }
  };

  const probe = async (): Promise<void> => {
    if (probing || stopped || nats.connection.isClosed()) return;
    probing = true;
    try {
      const sound = await within(SILENCE_PROBE_MS, nats.connection.flush());
      if (sound || stopped) return;
      log.warn("the nats-server is silent: connecting anew");
      await nats.connection.reconnect();
    } catch (cause) {
      log.debug({ error: (cause as Error).message }, "the connection could not be tested");
    } finally {
      probing = false;
      answeredAtMs = performance.now();
    }
  };

  void (async () => {
    while (!stopped) {
      const startedAtMs = performance.now();
      await beat();
      await pause(Math.max(0, everyMs - (performance.now() - startedAtMs)));
    }
  })();

  return () => {
    stopped = true;
  };
}
