/** A gateway for tests: answers `muster.api` over a real nats-server with whatever the test says. */
import { type ApiRequest, ApiRequestSchema, subjects } from "@muster/contracts";
import { type Nats, replyInParts } from "@muster/runtime";

export type Answer = {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** JSON, unless it is text already. */
  readonly body?: unknown;
};
export type Heard = ApiRequest & { readonly traceparent: string };

/** `answer` may answer null: then nobody hears anything. `heard` keeps every request. */
export function fakeGateway(
  nats: Nats,
  answer: (request: Heard) => Answer | null,
): { readonly heard: Heard[]; stop(): void } {
  const heard: Heard[] = [];
  const subscription = nats.connection.subscribe(subjects.api, {
    callback: (_error, message) => {
      const request = {
        ...ApiRequestSchema.parse(JSON.parse(message.string())),
        traceparent: message.headers?.get("traceparent") ?? "",
      };
      heard.push(request);
      const given = answer(request);
      if (given === null) return;
      const { status = 200, headers = {}, body = {} } = given;
      const text = typeof body === "string" ? body : JSON.stringify(body);
      replyInParts(message, JSON.stringify({ status, headers, body: text }));
    },
  });
  return { heard, stop: () => subscription.unsubscribe() };
}
