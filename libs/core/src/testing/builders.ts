/** Documents for tests, with everything that does not matter filled in. */
import {
  type AppDocument,
  type AppSpec,
  appToken,
  keys,
  type OfferDocument,
  type PlacedRow,
  readApp,
  type VerdictDocument,
  type VersionDocument,
} from "@muster/contracts";
import { emptyLedger } from "../ledger.ts";
import type { MemoryBucket } from "./memory-bucket.ts";

export const specOf = (id: string, more: Record<string, unknown> = {}): AppSpec =>
  readApp({ id, cmd: "sleep 1000", cpus: 1, mem: 64, ...more }).spec;

export const offerOf = (agent: string, more: Partial<OfferDocument> = {}): OfferDocument => ({
  agent,
  hostname: agent,
  address: "127.0.0.1",
  capacity: { cpuMillis: 4_000, memoryMib: 4_096, diskMib: 4_096, gpus: 0 },
  ports: [{ first: 31_000, last: 31_009 }],
  attributes: {},
  role: "*",
  region: null,
  zone: null,
  runtimes: ["process", "docker"],
  custom: { scalars: {}, sets: {} },
  images: [],
  gate: { open: true, reason: "open", sinceMs: 1, incarnation: 1 },
  incarnation: 1,
  ...more,
});

export const openLedger = (agent: string) =>
  emptyLedger(agent, { open: true, reason: "open", sinceMs: 0, incarnation: 1 });

export function addAgent(bucket: MemoryBucket, agent: string, more: Partial<OfferDocument> = {}): void {
  bucket.write(keys.offer(agent), offerOf(agent, more));
  bucket.write(keys.ledger(agent), openLedger(agent));
}

export const appOf = (
  id: string,
  version: number,
  instances: number,
  more: Partial<AppDocument> = {},
): AppDocument => ({
  id,
  version,
  instances,
  goal: "run",
  deployment: null,
  mix: null,
  createdAtMs: 0,
  scaledAtMs: 0,
  trace: null,
  ...more,
});

export function addApp(bucket: MemoryBucket, spec: AppSpec, version = 1): void {
  bucket.write(keys.version(spec.id, version), {
    app: spec.id,
    version,
    spec,
    by: { who: "test", from: "test" },
    config: null,
  } satisfies VersionDocument);
  bucket.write(keys.app(spec.id), appOf(spec.id, version, spec.instances));
}

/** What health says of an instance that came up and is fine. */
export const runningVerdict = (app: string, row: PlacedRow, now: number): VerdictDocument => ({
  instance: `${appToken(app)}.${row.slot}.${row.attempt}`,
  agent: row.agent,
  version: row.version,
  level: "running",
  stated: "running",
  healthy: true,
  ready: true,
  response: null,
  health: null,
  checkResult: null,
  givenUp: null,
  fact: 1,
  startedAtMs: now,
  sinceMs: now,
  exitCode: null,
  signal: null,
  reason: "",
  message: "",
  pid: 1,
  container: null,
  trace: null,
});
