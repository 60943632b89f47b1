/** For tests: what the agent n1 states of the instance web.0.1. */
import type { Fact, FactState } from "@muster/contracts";

export const factOf = (state: FactState, more: Partial<Fact> = {}): Fact => ({
  instance: "web.0.1",
  app: "/web",
  slot: 0,
  attempt: 1,
  version: 1,
  agent: "n1",
  hostname: "n1",
  incarnation: 1,
  number: 1,
  state,
  recordSequence: 1,
  ports: [],
  pid: 7,
  container: null,
  exitCode: null,
  signal: null,
  reason: state,
  message: "",
  adopted: false,
  response: null,
  health: null,
  checkResult: null,
  ...more,
});
