/** Specs that were published: each is stored like a PUT of the whole app, or told as refused; then acknowledged. */
import {
  type AppId,
  consumerSpecs,
  MusterError,
  parseDocument,
  type ReadApp,
  readApp,
  STREAM,
  subjects,
} from "@muster/contracts";
import { type Asked, decideUpdate, rejection } from "@muster/core";
import { type Cluster, type Span, type Work, WorkQueue } from "@muster/runtime";
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
  const lastOf = new Map<AppId, Promise<void>>();
  const running: Promise<void>[] = [];
  for (const work of round) {
    const submit = readSubmit(gateway, work);
    const run = (lastOf.get(submit.app) ?? Promise.resolve()).then(() => carryOut(gateway, submit));
    if (submit.reading !== null) lastOf.set(submit.app, run);
    run.catch(() => undefined); // It is looked at below, when all have ended.
    running.push(run);
    // Reading a large spec takes a while, and people are waiting for answers.
    if (work.body.length > LARGE_BYTES) await new Promise((resolve) => setImmediate(resolve));
  }
  const failed = (await Promise.allSettled(running)).find((result) => result.status === "rejected");
  if (failed !== undefined) throw failed.reason;
}

const LARGE_BYTES = 64 * 1024;

type Submit = { readonly work: Work; readonly span: Span; readonly app: AppId } & (
  | { readonly reading: ReadApp; readonly refusal: null }
  | { readonly reading: null; readonly refusal: unknown }
);

function readSubmit(gateway: Gateway, work: Work): Submit {
  const span = gateway.telemetry.start(SERVICE, "submit app", {
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
    span.set({ "muster.app": reading.spec.id });
    return { work, span, app: reading.spec.id, reading, refusal: null };
  } catch (cause) {
    validation.end(cause);
    return { work, span, app: "", reading: null, refusal: cause };
  }
}

function read({ subject, body }: Work): ReadApp {
  if (subject !== subjects.submitApp) {
    throw new MusterError(
      "route.unknown",
      `Nothing takes what is published on ${subject}: apps go to ${subjects.submitApp}`,
    );
  }
  const document = parseDocument(body);
  const { spec, warnings } = readApp(document.value, { locate: document.locate });
  return { spec, warnings: [...document.warnings(), ...warnings] };
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

/** As a PUT of the whole app. The deployment's id is the message's, so that a second run finds the first one's work. */
async function store(gateway: Gateway, { work, span }: Submit, reading: ReadApp): Promise<void> {
  const { sequence, messageId } = work;
  const asked: Asked = {
    app: reading.spec.id,
    deploymentId: `submit-${sequence}`,
    force: false,
    by: { who: "submit", from: messageId ?? `message ${sequence}` },
    submitted: sequence,
    trace: span.traceparent,
  };
  await commitChange(gateway, span, asked.app, (at) =>
    decideUpdate(gateway.state, asked, { read: () => reading, mustExist: false }, at),
  );
}

async function refuse(gateway: Gateway, { work, span }: Submit, error: MusterError): Promise<void> {
  const { sequence, messageId, subject } = work;
  const decision = rejection({ sequence, messageId, subject, error, trace: span.traceparent });
  span.set({ "muster.refused": error.code });
  await commit(gateway, span, () => ({ decision, answer: null }));
}
