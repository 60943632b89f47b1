/** Specs that were published: each is stored like a PUT of the whole app, or told as refused; then acknowledged. */
import {
  type AppId,
  consumerSpecs,
  MusterError,
  parseDocument,
  type ReadApp,
  type ReadGroup,
  readApp,
  readGroup,
  STREAM,
  subjects,
} from "@muster/contracts";
import { decideGroup, decideUpdate, rejection } from "@muster/core";
import { type Cluster, type Span, type Work, WorkQueue } from "@muster/runtime";
import { commitTree } from "./commit/groups-commit.ts";
import { commit, commitChange, type Gateway, SERVICE } from "./gateway.ts";

/** About as many as one batch holds. */
const ROUND_MAX = 100;

export function takeSubmits({ nats, graveyard }: Pick<Cluster, "nats" | "graveyard">, gateway: Gateway): WorkQueue {
  const consumers = consumerSpecs.filter((spec) => spec.stream === STREAM.submit);
  const handle = (round: readonly Work[]) => takeRound(gateway, round);
  const queue = new WorkQueue(nats, graveyard, { consumers, roundMax: ROUND_MAX, handle });
  queue.start();
  return queue;
}

/**
 * Takes a round at once, specs of one app in their order. Throws only where the cluster is at fault: then the messages
 * come again and find what was done. What people did wrong is told and done with.
 */
export async function takeRound(gateway: Gateway, round: readonly Work[]): Promise<void> {
  const lastOf = new Map<AppId, Promise<unknown>>();
  const running: Promise<void>[] = [];
  /** A group may speak of any app: it comes after all before it, and before all after it. */
  let lastGroup: Promise<unknown> = Promise.resolve();
  for (const work of round) {
    const submit = readSubmit(gateway, work);
    const isGroup = submit.reading?.kind === "group";
    const before = isGroup ? Promise.allSettled(running) : (lastOf.get(submit.id) ?? lastGroup);
    const run = before.then(() => carryOut(gateway, submit));
    if (isGroup) {
      lastGroup = run.catch(() => undefined);
      lastOf.clear();
    } else if (submit.reading !== null) lastOf.set(submit.id, run);
    run.catch(() => undefined); // It is looked at below, when all have ended.
    running.push(run);
    // Reading a large spec takes a while, and people are waiting for answers.
    if (work.body.length > LARGE_BYTES) await new Promise((resolve) => setImmediate(resolve));
  }
  const failed = (await Promise.allSettled(running)).find((result) => result.status === "rejected");
  if (failed !== undefined) throw failed.reason;
}

const LARGE_BYTES = 64 * 1024;

type Reading = ({ readonly kind: "app" } & ReadApp) | ({ readonly kind: "group" } & ReadGroup);

/** `id`: of the app or the group it is about. */
type Submit = { readonly work: Work; readonly span: Span; readonly id: AppId } & (
  | { readonly reading: Reading; readonly refusal: null }
  | { readonly reading: null; readonly refusal: unknown }
);

function readSubmit(gateway: Gateway, work: Work): Submit {
  const span = gateway.telemetry.start(SERVICE, work.subject === subjects.submitGroup ? "submit group" : "submit app", {
    kind: "consumer",
    parent: work.trace,
    attributes: {
      "messaging.system": "nats",
      "messaging.destination.name": work.subject,
      "messaging.message.id": work.messageId,
      "muster.submitted": work.sequence,
    },
  });
  const validation = gateway.telemetry.start(SERVICE, "validate", { parent: span.traceparent });
  try {
    const reading = read(work);
    validation.end();
    const id = reading.kind === "app" ? reading.spec.id : reading.wish.id;
    span.set({ [reading.kind === "app" ? "muster.app" : "muster.group"]: id });
    return { work, span, id, reading, refusal: null };
  } catch (cause) {
    validation.end(cause);
    return { work, span, id: "", reading: null, refusal: cause };
  }
}

function read({ subject, body }: Work): Reading {
  if (subject !== subjects.submitApp && subject !== subjects.submitGroup) {
    throw new MusterError(
      "route.unknown",
      `Nothing takes what is published on ${subject}: apps go to ${subjects.submitApp}, groups to ${subjects.submitGroup}`,
    );
  }
  const document = parseDocument(body);
  const { locate } = document;
  if (subject === subjects.submitGroup) {
    const { wish, warnings } = readGroup(document.value, { locate });
    return { kind: "group", wish, warnings: [...document.warnings(), ...warnings] };
  }
  const { spec, warnings } = readApp(document.value, { locate });
  return { kind: "app", spec, warnings: [...document.warnings(), ...warnings] };
}

async function carryOut(gateway: Gateway, submit: Submit): Promise<void> {
  const { span } = submit;
  try {
    if (submit.reading === null) throw submit.refusal;
    await store(gateway, submit, submit.reading);
    span.end();
  } catch (cause) {
    if (!(cause instanceof MusterError) || cause.status >= 500) {
      span.end(cause);
      throw cause;
    }
    await refuse(gateway, submit, cause);
    span.end();
  }
}

/** As a PUT of the whole. The deployment's id is the message's, so that a second run finds the first one's work. */
async function store(gateway: Gateway, { work, span, id }: Submit, reading: Reading): Promise<void> {
  const { sequence, messageId } = work;
  const asked = {
    deploymentId: `submit-${sequence}`,
    force: false,
    by: { who: "submit", from: messageId ?? `message ${sequence}` },
    submitted: sequence,
    trace: span.traceparent,
  };
  if (reading.kind === "group") {
    await commitTree(gateway, span, asked, (each, at) => decideGroup(gateway.state, each, reading, at));
    return;
  }
  await commitChange(gateway, span, id, (at) =>
    decideUpdate(gateway.state, { ...asked, app: id }, { read: () => reading, mustExist: false }, at),
  );
}

async function refuse(gateway: Gateway, { work, span }: Submit, error: MusterError): Promise<void> {
  const { sequence, messageId, subject } = work;
  const decision = rejection({ sequence, messageId, subject, error, trace: span.traceparent });
  span.set({ "muster.refused": error.code });
  await commit(gateway, span, () => ({ decision, answer: null }));
}
