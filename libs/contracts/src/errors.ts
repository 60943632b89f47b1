/** The catalogue: one table drives the code, the HTTP status, whether to retry, and the docs page. */

export const ERRORS = {
  "json.malformed": { status: 400, retry: false, title: "the document is not JSON" },
  "document.empty": { status: 400, retry: false, title: "a document was expected" },
  "document.too-large": { status: 413, retry: false, title: "the document is larger than this cluster takes" },
  "document.too-deep": { status: 400, retry: false, title: "the document is nested too deeply" },
  "document.forbidden-key": { status: 400, retry: false, title: "the document has a key that no document may have" },
  "spec.type": { status: 422, retry: false, title: "a field has another type than expected" },
  "spec.invalid": { status: 422, retry: false, title: "a field breaks a rule" },
  "spec.unsupported": { status: 422, retry: false, title: "nothing in this cluster can obey this field" },
  "app.unknown": { status: 404, retry: false, title: "there is no such app" },
  "app.exists": { status: 409, retry: false, title: "an app with this id exists" },
  "app.locked": { status: 409, retry: true, title: "a deployment of this app is running" },
  "app.deleting": { status: 409, retry: true, title: "the app is being deleted" },
  "app.not-waiting": { status: 404, retry: false, title: "nothing of the app waits" },
  "app.conflict": { status: 409, retry: true, title: "somebody else changed the app at the same time" },
  "group.exists": { status: 409, retry: false, title: "a group with this id exists" },
  "change.too-large": { status: 413, retry: false, title: "the change does not fit one commit" },
  "instance.unknown": { status: 404, retry: false, title: "there is no such instance" },
  "agent.unknown": { status: 404, retry: false, title: "there is no such agent" },
  "deployment.unknown": { status: 404, retry: false, title: "there is no such deployment" },
  "deployment.ended": { status: 409, retry: false, title: "the deployment has ended" },
  "deployment.not-waiting": { status: 409, retry: false, title: "the deployment waits for no promotion" },
  "task.unknown": { status: 404, retry: false, title: "there is no such task" },
  "group.unknown": { status: 404, retry: false, title: "there is no such group" },
  "pod.unknown": { status: 404, retry: false, title: "there is no such pod" },
  "leader.unknown": { status: 404, retry: true, title: "no process decides about apps just now" },
  "leader.alone": { status: 409, retry: true, title: "nobody else could take over" },
  "request.invalid": { status: 400, retry: false, title: "what the request asks for makes no sense together" },
  "request.too-many": { status: 429, retry: true, title: "too many such requests at once" },
  "method.not-allowed": { status: 405, retry: false, title: "this address takes other methods" },
  "origin.forbidden": { status: 403, retry: false, title: "web pages of this origin may not do this" },
  "deployment.too-many": { status: 403, retry: true, title: "as many deployments run as this cluster allows" },
  "app.too-many": { status: 422, retry: false, title: "there are as many apps as this cluster allows" },
  "stream.refused": { status: 405, retry: false, title: "events cannot be streamed in this way" },
  "stream.too-many": { status: 503, retry: true, title: "this gateway streams events to as many clients as it may" },
  "subscription.too-many": { status: 429, retry: true, title: "there are as many event subscriptions as there may be" },
  "route.unknown": { status: 404, retry: false, title: "there is nothing at this address" },
  "id.ambiguous": { status: 409, retry: false, title: "more than one thing has an id that starts like this" },
  "nats.unreachable": { status: 503, retry: true, title: "no nats-server answers" },
  "nats.too-old": { status: 503, retry: false, title: "the nats-server is too old" },
  "nats.no-jetstream": { status: 503, retry: false, title: "JetStream is not enabled on the nats-server" },
  "cluster.not-ready": {
    status: 503,
    retry: true,
    title: "the service has not caught up with the cluster's state yet",
  },
  "cluster.timeout": { status: 503, retry: true, title: "the answer took too long" },
  "cluster.busy": { status: 503, retry: true, title: "the gateway answers as many requests as it may at once" },
  internal: { status: 500, retry: true, title: "a fault of our own" },
} as const satisfies Record<string, { status: number; retry: boolean; title: string }>;

export type ErrorCode = keyof typeof ERRORS;

/** One thing wrong in a document: where, what was expected, what stood there. */
export type Problem = {
  /** JSON path, Marathon style: `/container/docker/image`, `/constraints(0)`. */
  readonly path: string;
  readonly message: string;
  readonly line?: number;
  readonly column?: number;
};

/** An error people see. `message` says what, where and what to do. */
export class MusterError extends Error {
  readonly code: ErrorCode;
  readonly problems: readonly Problem[];
  readonly deployments: readonly string[];
  constructor(
    code: ErrorCode,
    message: string,
    more: { problems?: readonly Problem[]; deployments?: readonly string[]; cause?: unknown } = {},
  ) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.name = "MusterError";
    this.code = code;
    this.problems = more.problems ?? [];
    this.deployments = more.deployments ?? [];
  }
  get status(): number {
    return ERRORS[this.code].status;
  }
}

/** Ends switches over unions: reaching it is a bug of ours. */
export function unreachable(value: never): never {
  throw new Error(`no case for ${JSON.stringify(value)}`);
}
