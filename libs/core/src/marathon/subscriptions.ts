/** Event subscriptions: who wants events posted to them, and what is told of that. */
import {
  type Circumstances,
  type Decision,
  keys,
  MusterError,
  NO_DECISION,
  type Requester,
  type StateView,
  SUBSCRIPTIONS_MAX,
  type SubscriptionDocument,
} from "@muster/contracts";
import { drawEventId } from "../draw.ts";

export type AskedSubscription = {
  /** Made from the URL: one URL has one subscription. */
  readonly id: string;
  readonly callbackUrl: string;
  readonly by: Requester;
  readonly trace: string | null;
};

export type SubscriptionChange = { readonly decision: Decision; readonly answer: { readonly changed: boolean } };

/** Subscriptions, oldest first. */
export const subscriptionsOf = (state: StateView): SubscriptionDocument[] =>
  [...state.kind("subscription").values()]
    .map(({ value }) => value)
    .sort((a, b) => a.createdAtMs - b.createdAtMs || a.id.localeCompare(b.id));

/** A URL that is subscribed already stays so. Throws `subscription.too-many`. */
export function decideSubscribe(
  state: StateView,
  asked: AskedSubscription & { readonly fromSequence: number },
  at: Circumstances,
): SubscriptionChange {
  const { id, callbackUrl, by, trace, fromSequence } = asked;
  const all = state.kind("subscription");
  if (all.has(id)) return { decision: NO_DECISION, answer: { changed: false } };
  if (all.size >= SUBSCRIPTIONS_MAX) {
    throw new MusterError(
      "subscription.too-many",
      `There are ${all.size} event subscriptions, and no more than ${SUBSCRIPTIONS_MAX} may be: remove one with DELETE /v2/eventSubscriptions?callbackUrl=…`,
    );
  }
  const value: SubscriptionDocument = { id, callbackUrl, fromSequence, createdAtMs: at.now, by };
  const key = keys.subscription(id);
  return {
    decision: {
      ...NO_DECISION,
      writes: [...newestAgain(all.values()), { key, value, expect: state.revision(key) }],
      events: [
        {
          type: "muster.subscription.added",
          subject: id,
          id: drawEventId(at),
          data: { id, callbackUrl, by: { ...by } },
        },
      ],
      trace,
    },
    answer: { changed: true },
  };
}

/**
 * The subscription that was written last, as it stands: of two that are added at once, by whichever gateways, one finds it written
 * already and counts again. So there are never more than may be.
 */
function newestAgain(
  all: Iterable<{ readonly value: SubscriptionDocument; readonly revision: number }>,
): Decision["writes"] {
  const [newest] = [...all].sort((a, b) => b.revision - a.revision);
  if (newest === undefined) return [];
  return [{ key: keys.subscription(newest.value.id), value: newest.value, expect: newest.revision }];
}

/** A URL that is not subscribed is none afterwards either. */
export function decideUnsubscribe(state: StateView, asked: AskedSubscription, at: Circumstances): SubscriptionChange {
  const { id, callbackUrl, by, trace } = asked;
  if (!state.kind("subscription").has(id)) return { decision: NO_DECISION, answer: { changed: false } };
  const key = keys.subscription(id);
  return {
    decision: {
      ...NO_DECISION,
      writes: [{ key, value: null, expect: state.revision(key) }],
      events: [
        {
          type: "muster.subscription.removed",
          subject: id,
          id: drawEventId(at),
          data: { id, callbackUrl, by: { ...by } },
        },
      ],
      trace,
    },
    answer: { changed: true },
  };
}
