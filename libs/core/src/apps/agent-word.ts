/** The operator's word about an agent. Everything else about agents is decided by the broker, health and placement. */
import {
  type AgentId,
  type AgentWord,
  agentToken,
  type Circumstances,
  type Decision,
  keys,
  MusterError,
  NO_DECISION,
  type StateView,
} from "@muster/contracts";

export type AgentRequest = {
  readonly agent: AgentId;
  readonly goal: AgentWord["goal"];
  readonly trace: string | null;
};

export type AgentChange = { readonly decision: Decision; readonly answer: AgentWord };

/**
 * `remove` fences the incarnation that lives now and all before it; a fence is never taken back, since what ran behind it
 * has been given up. Saying the same again changes nothing. Throws `agent.unknown`.
 */
export function decideAgentWord(view: StateView, asked: AgentRequest, { now }: Circumstances): AgentChange {
  const { agent, goal, trace } = asked;
  const token = agentToken(agent);
  const incarnation =
    view.kind("offer").get(token)?.value.incarnation ?? view.kind("ledger").get(token)?.value.gate.incarnation;
  const word = view.kind("agent").get(token)?.value ?? null;
  if (incarnation === undefined && word === null) throw unknownAgent(agent);
  const fence = word?.fencedIncarnation ?? null;
  const fencedIncarnation = goal === "remove" ? Math.max(incarnation ?? 0, fence ?? 0) : fence;
  if (word !== null && word.goal === goal && word.fencedIncarnation === fencedIncarnation) {
    return { decision: NO_DECISION, answer: word };
  }
  const answer: AgentWord = { agent, goal, fencedIncarnation, atMs: now };
  const key = keys.agent(agent);
  const writes = [{ key, value: answer, expect: view.revision(key) }];
  return { decision: { ...NO_DECISION, writes, trace }, answer };
}

export const unknownAgent = (agent: AgentId): MusterError =>
  new MusterError("agent.unknown", `Agent '${agent}' does not exist: GET /v1/agents lists those that do`);
