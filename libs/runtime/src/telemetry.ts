/**
 * Spans made by hand, because context is lost across streams and must travel in documents and headers anyway.
 * Without an OTLP endpoint spans still get ids, so that a trace id can be shown and carried on; the SDK is not loaded then.
 */
import { randomFillSync } from "node:crypto";
import type { Attributes, SpanContext, Tracer } from "@opentelemetry/api";
import { createLog } from "./log.ts";

export type SpanKind = "internal" | "server" | "producer" | "consumer" | "client";
export type SpanAttributes = Readonly<Record<string, string | number | boolean | null | undefined>>;

export type Span = {
  /** W3C `traceparent` of this span, to be handed on. */
  readonly traceparent: string;
  set(attributes: SpanAttributes): void;
  /** Ends it, as failed when an error is given. */
  end(error?: unknown): void;
};

export type SpanOptions = {
  /** The span this one follows from; null begins a trace. */
  readonly parent: string | null;
  readonly kind?: SpanKind;
  readonly attributes?: SpanAttributes;
  /** Milliseconds since the epoch, for a span whose beginning was noted earlier. */
  readonly startedAtMs?: number;
};

export type Telemetry = {
  start(service: string, name: string, options: SpanOptions): Span;
  /** Sends what is buffered; bounded by two seconds. */
  flush(): Promise<void>;
  stop(): Promise<void>;
  readonly exporting: boolean;
};

const TRACEPARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;
const FLUSH_MS = 2_000;

/** Reads a traceparent, or answers null for anything that is none (people may send what they like). */
export function parseTraceparent(
  text: string | null | undefined,
): { traceId: string; spanId: string; flags: number } | null {
  const match = TRACEPARENT.exec(text ?? "");
  if (match === null || /^0+$/.test(match[1] as string) || /^0+$/.test(match[2] as string)) return null;
  return { traceId: match[1] as string, spanId: match[2] as string, flags: Number.parseInt(match[3] as string, 16) };
}

export const traceIdOf = (traceparent: string | null): string | null => parseTraceparent(traceparent)?.traceId ?? null;

/** Runs `work` inside a span that ends with it, as failed when it throws. */
export async function withSpan<T>(
  telemetry: Telemetry,
  service: string,
  name: string,
  options: SpanOptions,
  work: (span: Span) => Promise<T> | T,
): Promise<T> {
  const span = telemetry.start(service, name, options);
  try {
    const result = await work(span);
    span.end();
    return result;
  } catch (cause) {
    span.end(cause);
    throw cause;
  }
}

/** With `otlp` (an endpoint such as `http://127.0.0.1:4318`) spans are exported there over OTLP/HTTP; else only ids are made. */
export async function openTelemetry({ otlp }: { otlp: string | null }): Promise<Telemetry> {
  return otlp === null ? idsOnly() : await exporting(otlp);
}

const chance = Buffer.alloc(4_096);
let chanceUsed = chance.length;

/** As many random bytes in hex, drawn from the system some hundred at a time. */
function randomHex(bytes: number): string {
  if (chanceUsed + bytes > chance.length) {
    randomFillSync(chance);
    chanceUsed = 0;
  }
  chanceUsed += bytes;
  return chance.toString("hex", chanceUsed - bytes, chanceUsed);
}

function idsOnly(): Telemetry {
  return {
    exporting: false,
    start: (_service, _name, { parent }) => {
      const traceId = parseTraceparent(parent)?.traceId ?? randomHex(16);
      return {
        traceparent: `00-${traceId}-${randomHex(8)}-01`,
        set: () => undefined,
        end: () => undefined,
      };
    },
    flush: async () => undefined,
    stop: async () => undefined,
  };
}

async function exporting(otlp: string): Promise<Telemetry> {
  const [api, sdk, resources, exporter] = await Promise.all([
    import("@opentelemetry/api"),
    import("@opentelemetry/sdk-trace"),
    import("@opentelemetry/resources"),
    import("@opentelemetry/exporter-trace-otlp-http"),
  ]);
  const log = createLog("telemetry");
  const url = /\/v1\/traces$/.test(otlp) ? otlp : `${otlp.replace(/\/+$/, "")}/v1/traces`;
  const spanProcessor = new sdk.BatchSpanProcessor({
    exporter: new exporter.OTLPTraceExporter({ url }),
    scheduledDelayMillis: 500,
  });
  const kinds = {
    internal: api.SpanKind.INTERNAL,
    server: api.SpanKind.SERVER,
    producer: api.SpanKind.PRODUCER,
    consumer: api.SpanKind.CONSUMER,
    client: api.SpanKind.CLIENT,
  } as const;
  // One tracer a service, each with its own name, even where several share a process.
  const tracers = new Map<string, Tracer>();
  const tracerOf = (service: string): Tracer => {
    let tracer = tracers.get(service);
    if (tracer === undefined) {
      const resource = resources.resourceFromAttributes({
        "service.name": `muster-${service}`,
        "service.namespace": "muster",
        "process.pid": process.pid,
      });
      tracer = new sdk.TracerProvider({ resource, spanProcessors: [spanProcessor] }).getTracer("muster");
      tracers.set(service, tracer);
    }
    return tracer;
  };
  const contextOf = (parent: string | null) => {
    const parsed = parseTraceparent(parent);
    if (parsed === null) return api.ROOT_CONTEXT;
    const spanContext: SpanContext = {
      traceId: parsed.traceId,
      spanId: parsed.spanId,
      traceFlags: parsed.flags,
      isRemote: true,
    };
    return api.trace.setSpanContext(api.ROOT_CONTEXT, spanContext);
  };
  const bounded = (work: Promise<void>): Promise<void> =>
    Promise.race([work, new Promise<void>((resolve) => setTimeout(resolve, FLUSH_MS).unref())]).catch(
      (cause: unknown) => {
        log.warn({ error: (cause as Error).message }, "spans were not exported");
      },
    );
  return {
    exporting: true,
    start: (service, name, { parent, kind = "internal", attributes = {}, startedAtMs }) => {
      const span = tracerOf(service).startSpan(
        name,
        {
          kind: kinds[kind],
          attributes: defined(attributes),
          ...(startedAtMs === undefined ? {} : { startTime: startedAtMs }),
        },
        contextOf(parent),
      );
      const { traceId, spanId, traceFlags } = span.spanContext();
      return {
        traceparent: `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, "0")}`,
        set: (more) => {
          span.setAttributes(defined(more));
        },
        end: (error) => {
          if (error !== undefined) {
            const message = error instanceof Error ? error.message : String(error);
            span.setStatus({ code: api.SpanStatusCode.ERROR, message });
            span.recordException(error instanceof Error ? error : new Error(message));
          }
          span.end();
        },
      };
    },
    flush: () => bounded(spanProcessor.forceFlush()),
    stop: () => bounded(spanProcessor.shutdown()),
  };
}

function defined(attributes: SpanAttributes): Attributes {
  const result: Attributes = {};
  for (const [key, value] of Object.entries(attributes)) if (value !== null && value !== undefined) result[key] = value;
  return result;
}
