/** The offer-broker's whole decision for one agent: its offer and its gate, changed together or not at all. */
import {
  type AgentReport,
  agentToken,
  type Circumstances,
  type Decision,
  type HealthView,
  keys,
  type LedgerDocument,
  minusFloor,
  type OfferDocument,
  plus,
  type StateView,
  type Wake,
} from "@muster/contracts";
import { drawEventId } from "../draw.ts";
import { emptyLedger } from "../ledger.ts";
import { nextGate } from "./gate.ts";
import type { Liveness } from "./liveness.ts";

export function decideOffer(
  state: StateView,
  health: HealthView,
  report: AgentReport,
  liveness: Liveness,
  circumstances: Circumstances,
): Decision {
  const token = agentToken(report.agent);
  const verdict = health.kind("agent").get(token)?.value ?? null;
  const ledger = state.kind("ledger").get(token);
  const present = state.kind("offer").get(token)?.value ?? null;
  const word = state.kind("agent").get(token)?.value ?? null;
  const gate = nextGate(ledger?.value.gate ?? null, { report, word, verdict, liveness }, circumstances.now);
  const before = ledger?.value ?? null;
  const joining = {
    open: false,
    reason: "joining",
    sinceMs: circumstances.now,
    incarnation: report.incarnation,
  } as const;
  const gateNow = gate ?? before?.gate ?? joining;
  const offer = { ...supplyOf(report, verdict?.orphans ?? []), gate: gateNow };
  const isOfferChanged = JSON.stringify(present) !== JSON.stringify(offer);
  const wakes: Wake[] = [];
  if (!isOfferChanged && gate === null) return { writes: [], asserts: [], events: [], wakes, trace: null };

  // The ledger is set even when only the offer changed: a placement decided on the old offer must not land.
  const next: LedgerDocument = before === null ? emptyLedger(report.agent, gateNow) : { ...before, gate: gateNow };
  return {
    writes: [
      ...(isOfferChanged
        ? [{ key: keys.offer(report.agent), value: offer, expect: state.revision(keys.offer(report.agent)) }]
        : []),
      { key: keys.ledger(report.agent), value: next, expect: state.revision(keys.ledger(report.agent)) },
    ],
    asserts: [],
    events:
      gate === null
        ? []
        : [
            {
              type: "muster.agent.gate",
              subject: report.agent,
              id: drawEventId(circumstances),
              data: { agent: report.agent, open: gate.open, reason: gate.reason, incarnation: gate.incarnation },
            },
          ],
    wakes,
    trace: null,
  };
}

/** Supply as offered: what orphans hold is not there to give. */
function supplyOf(
  report: AgentReport,
  orphans: readonly { resources: AgentReport["capacity"]; ports: readonly number[] }[],
): Omit<OfferDocument, "gate"> {
  const { agent, hostname, address, capacity, ports, attributes, role, region, zone, runtimes, incarnation } = report;
  const { custom, images } = report;
  const held = orphans.reduce((sum, orphan) => plus(sum, orphan.resources), {
    cpuMillis: 0,
    memoryMib: 0,
    diskMib: 0,
    gpus: 0,
  });
  return {
    agent,
    hostname,
    address,
    capacity: minusFloor(capacity, held),
    ports,
    attributes,
    role,
    region,
    zone,
    runtimes,
    custom,
    images,
    incarnation,
  };
}
