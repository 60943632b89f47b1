/**
 * Commits changes of many apps. What does not fit one batch stores its immutable versions first, which nobody sees until something
 * names them, and then all that names them in one batch: the change lands whole or not at all.
 */
import {
  BATCH_MESSAGES_MAX,
  type Circumstances,
  type Decision,
  MusterError,
  NO_DECISION,
  type Write,
} from "@muster/contracts";
import { isSame, type TreeAnswer, type TreeAsked, type TreeDecision } from "@muster/core";
import type { Span } from "@muster/runtime";
import { commit, type Gateway, log, messagesOf } from "../gateway.ts";
import { withoutDeadline } from "../http/deadline.ts";

export type DecideTree = (asked: TreeAsked, at: Circumstances) => TreeDecision;

/** Versions stored in one batch: they carry specs, and others want to commit as well. */
const VERSIONS_MAX = 200;
const TRIES_MAX = 5;

/** Throws what `decide` throws, `change.too-large`, and what `commit` throws. */
export async function commitTree(
  gateway: Gateway,
  span: Span,
  asked: TreeAsked,
  decide: DecideTree,
): Promise<TreeAnswer> {
  try {
    return await commit(gateway, span, (at) => {
      const decided = decide(asked, at);
      if (messagesOf(decided.decision) > BATCH_MESSAGES_MAX) throw new Large();
      return decided;
    });
  } catch (cause) {
    if (!isLarge(cause)) throw cause;
  }
  for (let tries = 1; ; tries += 1) {
    const answer = await inParts(gateway, span, asked, decide);
    if (answer !== null) return answer;
    if (tries === TRIES_MAX)
      throw new MusterError("app.conflict", "Others change the same apps again and again: try once more in a moment");
  }
}

/** Told apart from what goes wrong: it never leaves this file. */
class Large extends MusterError {
  constructor() {
    super("change.too-large", "it does not fit one batch");
  }
}
const isLarge = (cause: unknown): boolean => cause instanceof Large;

class Changed extends MusterError {
  constructor() {
    super("app.conflict", "what was prepared is not what is to be stored any more");
  }
}

const isVersion = ({ key }: Write): boolean => key.startsWith("version.");

/** Null: somebody changed what the versions were prepared for. */
async function inParts(gateway: Gateway, span: Span, asked: TreeAsked, decide: DecideTree): Promise<TreeAnswer | null> {
  // The same numbers are drawn whenever it is decided again, so that versions come out as they were prepared.
  const { now, dice } = gateway.circumstances();
  const seed = Math.floor(dice() * 2 ** 32);
  const at = (): Circumstances => ({ now, dice: diceOf(seed) });
  const first = decide(asked, at());
  refuseTooLarge(pointersOf(first.decision));
  const versions = first.decision.writes.filter(isVersion);
  const values = new Map(versions.map(({ key, value }) => [key, value]));
  const prepared = { ...asked, prepared: new Set(values.keys()) };
  try {
    for (let from = 0; from < versions.length; from += VERSIONS_MAX)
      await store(gateway, span, versions.slice(from, from + VERSIONS_MAX));
    return await commit(gateway, span, () => {
      const decided = decide(prepared, at());
      const needed = decided.decision.writes.filter(isVersion);
      if (needed.some(({ key, value }) => !isSame(values.get(key), value))) throw new Changed();
      const pointers = pointersOf(decided.decision);
      refuseTooLarge(pointers);
      return { decision: pointers, answer: decided.answer };
    });
  } catch (cause) {
    await withoutDeadline(() => forget(gateway, span, asked, versions)).catch((error: Error) =>
      log.warn({ error: error.message }, "versions that nothing names could not be taken back"),
    );
    if (cause instanceof Changed) return null;
    throw cause;
  }
}

const pointersOf = (decision: Decision): Decision => ({
  ...decision,
  writes: decision.writes.filter((write) => !isVersion(write)),
});

function refuseTooLarge(decision: Decision): void {
  const messages = messagesOf(decision);
  if (messages <= BATCH_MESSAGES_MAX) return;
  const apps = decision.writes.filter(({ key }) => key.startsWith("app.")).length;
  const message = `This changes ${apps} apps at once, which takes ${messages} messages in one commit; a nats-server takes ${BATCH_MESSAGES_MAX}: make it in parts, such as group by group`;
  throw new MusterError("change.too-large", message);
}

/** A batch that landed though nobody said so is found on the second try. */
const store = (gateway: Gateway, span: Span, versions: readonly Write[]): Promise<null> =>
  commit(gateway, span, () => {
    const missing = versions.filter(({ key, value }) => {
      const stored = standing(gateway, key);
      if (stored !== null && !isSame(stored, value)) throw new Changed();
      return stored === null;
    });
    const writes = missing.map((write) => ({ ...write, expect: gateway.state.revision(write.key) }));
    return { decision: { ...NO_DECISION, writes }, answer: null };
  });

const forget = (gateway: Gateway, span: Span, { deploymentId }: TreeAsked, versions: readonly Write[]): Promise<null> =>
  commit(gateway, span, () => {
    const isLanded = gateway.state.kind("deployment").has(deploymentId);
    const mine = isLanded ? [] : versions.filter(({ key, value }) => isSame(standing(gateway, key), value));
    const writes = mine.map(({ key }) => ({ key, value: null, expect: gateway.state.revision(key) }));
    return { decision: { ...NO_DECISION, writes }, answer: null };
  });

const standing = ({ state }: Gateway, key: string) =>
  state.kind("version").get(key.slice("version.".length))?.value ?? null;

/** Mulberry32. */
function diceOf(seed: number): () => number {
  let a = seed;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
