/** For tests: a gateway on two buckets in memory, whose spans are kept. */
import type { Lease } from "@muster/contracts";
import { planApp, sceneOf } from "@muster/core";
import {
  type HandmadeHealth,
  type HandmadeState,
  handmadeHealth,
  handmadeState,
} from "@muster/core/apps/testing/handmade-view";
import { Metrics, openTelemetry, type SpanOptions, type Telemetry } from "@muster/runtime";
import type { Gateway } from "../gateway.ts";

export type KeptSpan = SpanOptions & {
  readonly name: string;
  readonly traceparent: string;
  error: unknown;
  ended: boolean;
};

export type FakeGateway = Gateway & {
  readonly state: HandmadeState;
  readonly health: HandmadeHealth;
  readonly spans: KeptSpan[];
};

export const NOW = 1_800_000_000_000;

export async function fakeGateway(more: Partial<Gateway> = {}): Promise<FakeGateway> {
  const [state, health] = [handmadeState(), handmadeHealth()];
  const spans: KeptSpan[] = [];
  const leases: Lease[] = [];
  let [now, ids] = [NOW, 0];
  return {
    state,
    health,
    spans,
    telemetry: keeping(await openTelemetry({ otlp: null }), spans),
    async commit(decide) {
      state.commit(decide());
    },
    limits: { apps: null, instancesPerApp: 5_000, runningDeployments: 1_000, bodyBytes: 1_000_000, versions: 50 },
    address: (host) => host ?? null,
    readSoon: async () => undefined,
    metrics: new Metrics({ commits: () => [], documents: () => [], processes: () => 0 }),
    abdicate: async () => true,
    leases: () => leases,
    runningDeployments: () =>
      [...state.kind("deployment").values()].filter(({ value }) => value.state === "running").length,
    circumstances() {
      now += 1_000;
      return { now, dice: () => 0 };
    },
    async plan(reading, force) {
      return planApp(sceneOf(state, health, reading.spec.id), reading, { force }, { now, dice: () => 0 });
    },
    drawId() {
      ids += 1;
      return `id-${ids}`;
    },
    ...more,
  } as FakeGateway;
}

function keeping(telemetry: Telemetry, spans: KeptSpan[]): Telemetry {
  return {
    ...telemetry,
    start(service, name, options) {
      const span = telemetry.start(service, name, options);
      const kept: KeptSpan = { ...options, name, traceparent: span.traceparent, error: undefined, ended: false };
      spans.push(kept);
      return {
        ...span,
        end(error) {
          kept.error = error;
          kept.ended = true;
        },
      };
    },
  };
}
