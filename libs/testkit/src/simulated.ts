/** What simulated agents say: their report, and facts about tasks that exist in name only. */
import { randomUUID } from "node:crypto";
import {
  type AgentReport,
  type CloudEvent,
  cloudEvent,
  type Fact,
  type FactState,
  type InstanceDocument,
  type InstanceRef,
  taskEventType,
} from "@muster/contracts";

/** The report of an agent that stands alone on a host of four cores, unless `more` says otherwise. */
export const simulatedReport = (agent: string, more: Partial<Omit<AgentReport, "agent">> = {}): AgentReport => ({
  agent,
  hostname: agent,
  address: "127.0.0.1",
  capacity: { cpuMillis: 4_000, memoryMib: 8_192, diskMib: 10_000, gpus: 0 },
  ports: [{ first: 31_000, last: 31_999 }],
  attributes: {},
  role: "*",
  region: null,
  zone: null,
  runtimes: ["process", "docker"],
  custom: { scalars: {}, sets: {} },
  images: [],
  incarnation: 1,
  nonce: randomUUID(),
  startedAtMs: Date.now(),
  inventory: [],
  version: "simulated",
  ...more,
});

/** What a fact needs to know of the record it is about. */
export type SimulatedRecord = Pick<InstanceDocument, "version" | "ports" | "trace"> & {
  readonly ref: InstanceRef;
  readonly instance: string;
  /** Stream sequence of the record. */
  readonly sequence: number;
};

/** The event of a fact, as the agent of `report` states it. */
export function simulatedFact(
  report: AgentReport,
  record: SimulatedRecord,
  number: number,
  state: FactState,
  more: Partial<Fact> = {},
): CloudEvent {
  const { instance, ref, version, ports, trace, sequence } = record;
  const fact: Fact = {
    instance,
    ...ref,
    version,
    agent: report.agent,
    hostname: report.hostname,
    incarnation: report.incarnation,
    number,
    state,
    recordSequence: sequence,
    ports: [...ports],
    pid: 1,
    container: null,
    exitCode: state === "finished" ? 0 : state === "failed" ? 1 : null,
    signal: null,
    reason: state,
    message: "",
    adopted: false,
    response: null,
    health: null,
    checkResult: null,
    ...more,
  };
  return cloudEvent(
    { type: taskEventType(state), id: `${report.agent}-${number}`, subject: instance, data: fact },
    { source: `/agents/${report.agent}`, atMs: Date.now(), traceparent: trace },
  );
}
