/** A real OTLP/HTTP receiver on loopback that keeps the spans it is sent. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { gunzipSync } from "node:zlib";

export type ReceivedSpan = {
  readonly service: string;
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentId: string | null;
  readonly attributes: Readonly<Record<string, string>>;
  readonly isError: boolean;
};

export type OtlpReceiver = {
  /** What `--otlp` takes. */
  readonly endpoint: string;
  spans(traceId?: string): readonly ReceivedSpan[];
  stop(): Promise<void>;
};

type Json = Record<string, unknown>;
const list = (value: unknown): Json[] => (Array.isArray(value) ? (value as Json[]) : []);

export async function startOtlpReceiver(): Promise<OtlpReceiver> {
  const received: ReceivedSpan[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const body = Buffer.concat(chunks);
      const text = (request.headers["content-encoding"] === "gzip" ? gunzipSync(body) : body).toString("utf8");
      if (request.url === "/v1/traces") received.push(...read(JSON.parse(text) as Json));
      response.writeHead(request.url === "/v1/traces" ? 200 : 404, { "content-type": "application/json" }).end("{}");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    endpoint: `http://127.0.0.1:${port}`,
    spans: (traceId) => (traceId === undefined ? received : received.filter((span) => span.traceId === traceId)),
    stop: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

function read(body: Json): ReceivedSpan[] {
  return list(body.resourceSpans).flatMap((resourceSpans) => {
    const resource = attributesOf((resourceSpans.resource as Json | undefined)?.attributes);
    return list(resourceSpans.scopeSpans)
      .flatMap((scope) => list(scope.spans))
      .map((span) => ({
        service: resource["service.name"] ?? "",
        name: String(span.name),
        traceId: String(span.traceId),
        spanId: String(span.spanId),
        parentId: span.parentSpanId === undefined || span.parentSpanId === "" ? null : String(span.parentSpanId),
        attributes: attributesOf(span.attributes),
        isError: (span.status as Json | undefined)?.code === 2,
      }));
  });
}

function attributesOf(attributes: unknown): Record<string, string> {
  return Object.fromEntries(
    list(attributes).map(({ key, value }) => [String(key), String(Object.values((value ?? {}) as Json)[0] ?? "")]),
  );
}
