/** A new incarnation's inventory held against what the cluster has committed there: only then may its gate open. */
import { type AgentReport, type AgentVerdict, parseInstanceId, type StateView } from "@muster/contracts";
import { recordKey } from "./decide.ts";
import { isTerminal } from "./judge.ts";

/** The agent's verdict for this report, or null when it says what the present one says. */
export function reconcileAgent(
  state: StateView,
  present: AgentVerdict | null,
  report: AgentReport,
  now: number,
): AgentVerdict | null {
  const orphans = report.inventory.flatMap((item) => {
    if (isTerminal(item.state)) return [];
    const ref = parseInstanceId(item.instance);
    const isKnown =
      ref !== null && state.kind("instance").has(recordKey({ agent: report.agent, instance: item.instance }));
    return isKnown ? [] : [{ instance: item.instance, resources: item.resources, ports: item.ports }];
  });
  const isSame =
    present !== null &&
    present.reconciledIncarnation === report.incarnation &&
    JSON.stringify(present.orphans) === JSON.stringify(orphans);
  return isSame ? null : { agent: report.agent, reconciledIncarnation: report.incarnation, orphans, atMs: now };
}
