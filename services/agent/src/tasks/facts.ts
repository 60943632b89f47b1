/** What this agent states of its instances, as CloudEvents. */
import {
  type CheckResponse,
  type CheckResult,
  cloudEvent,
  type FactState,
  type HealthRecord,
  type InstanceDocument,
  type TaskEvent,
  taskEventType,
} from "@muster/contracts";
import type { Reason } from "../host/runtime.ts";
import type { Handle } from "../journal/entries.ts";

/** Who speaks. */
export type Self = {
  readonly agent: string;
  readonly hostname: string;
  readonly life: string;
  readonly incarnation: number;
};

/** What a fact is about; a malformed record leaves only its id to speak of. */
export type About = Pick<InstanceDocument, "instance" | "app" | "slot" | "attempt" | "version" | "ports">;

export type Statement = {
  readonly state: FactState;
  readonly reason: Reason;
  readonly message: string;
  readonly handle?: Handle | null;
  readonly exitCode?: number | null;
  readonly signal?: string | null;
  readonly adopted?: boolean;
  readonly response?: CheckResponse | null;
  readonly health?: HealthRecord[];
  readonly checkResult?: CheckResult | null;
};

/** The id of a fact: the work directory's life and the number in its outbox, so that a stored fact is recognised. */
export const factId = (life: string, number: number): string => `${life}.${number}`;
export function parseFactId(id: string): { life: string; number: number } | null {
  const match = /^(.+)\.(\d+)$/.exec(id);
  return match === null ? null : { life: match[1] as string, number: Number(match[2]) };
}

export function makeFact(
  self: Self,
  about: About,
  said: Statement,
  {
    number,
    recordSequence,
    traceparent,
    atMs,
  }: { number: number; recordSequence: number; traceparent: string | null; atMs: number },
): TaskEvent {
  const handle = said.handle ?? null;
  const data: TaskEvent["data"] = {
    instance: about.instance,
    app: about.app,
    slot: about.slot,
    attempt: about.attempt,
    version: about.version,
    agent: self.agent,
    hostname: self.hostname,
    incarnation: self.incarnation,
    number,
    state: said.state,
    recordSequence,
    ports: about.ports,
    pid: handle?.pid ?? null,
    container: handle?.type === "docker" ? handle.container : null,
    exitCode: said.exitCode ?? null,
    signal: said.signal ?? null,
    reason: said.reason,
    message: said.message,
    adopted: said.adopted ?? false,
    response: said.response ?? null,
    health: said.health ?? null,
    checkResult: said.checkResult ?? null,
  };
  const event = cloudEvent(
    { type: taskEventType(said.state), id: factId(self.life, number), subject: about.instance, data },
    { source: `/muster/agent/${self.agent}`, atMs, traceparent },
  );
  return { ...event, datacontenttype: "application/json", data };
}
