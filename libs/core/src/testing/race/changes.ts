/** What a worker that follows the state bucket makes of its changes: the placement service's own reading, on two snapshots. */
import { agentIdOf, appIdOf, type LedgerDocument, RESOURCE_NAMES, type StateView } from "@muster/contracts";
import type { ClusterChange } from "../../placement/cures.ts";

export function changesBetween(before: StateView, after: StateView): ClusterChange[] {
  const changes: ClusterChange[] = [];
  for (const [token, { revision }] of after.kind("offer"))
    if (before.kind("offer").get(token)?.revision !== revision)
      changes.push({ type: "agent", cure: "agent.offer", agent: agentIdOf(token) });
  for (const [token, { value }] of after.kind("ledger")) {
    const was = before.kind("ledger").get(token)?.value;
    const agent = agentIdOf(token);
    if (value.gate.open && was?.gate.open !== true) changes.push({ type: "agent", cure: "agent.gate", agent });
    if (was !== undefined && hasMore(was, value)) changes.push({ type: "agent", cure: "instance.released", agent });
  }
  for (const [token, { revision }] of after.kind("placed"))
    if (before.kind("placed").get(token)?.revision !== revision) changes.push({ type: "placed", app: appIdOf(token) });
  if (before.revision("hold") !== after.revision("hold")) changes.push({ type: "hold" });
  return changes;
}

const hasMore = (before: LedgerDocument, after: LedgerDocument): boolean =>
  RESOURCE_NAMES.some((name) => after.used[name] < before.used[name]) ||
  after.ports.length < before.ports.length ||
  JSON.stringify(after.custom) !== JSON.stringify(before.custom);
