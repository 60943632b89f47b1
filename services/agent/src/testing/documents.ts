/** Instance documents and work directories for tests. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type HealthCheck,
  type InstanceDocument,
  instanceId,
  type ReadinessCheck,
  type RunDocument,
} from "@muster/contracts";
import type { Order } from "../host/runtime.ts";
import { controlFolder, instancesFolder, sandboxOf } from "../host/sandbox.ts";
import { makeDirectory } from "../journal/disk.ts";

let attempts = 0;
process.setMaxListeners(0);

export const runDocument = (more: Partial<RunDocument> = {}): RunDocument => ({
  runtime: "process",
  command: { type: "shell", line: "true" },
  image: null,
  forcePull: false,
  privileged: false,
  parameters: [],
  network: "host",
  portMaps: [],
  env: {},
  user: null,
  labels: {},
  healthChecks: [],
  readinessChecks: [],
  check: null,
  killGraceMs: 1_000,
  limits: null,
  ...more,
});

/** A new instance of /test; each has an attempt of its own. */
export function instanceDocument(
  run: Partial<RunDocument> = {},
  more: Partial<InstanceDocument> = {},
): InstanceDocument {
  attempts += 1;
  const ref = { app: more.app ?? "/test", slot: more.slot ?? 0, attempt: more.attempt ?? attempts };
  return {
    instance: instanceId(ref),
    ...ref,
    version: 1,
    agent: "n1",
    goal: "run",
    resources: { cpuMillis: 100, memoryMib: 32, diskMib: 0, gpus: 0 },
    ports: [],
    run: runDocument(run),
    placedAtMs: 0,
    trace: null,
    ...more,
  };
}

export const shell = (line: string): Pick<RunDocument, "command"> => ({ command: { type: "shell", line } });

export const orderOf = (workDir: string, document: InstanceDocument): Order => ({
  instance: document.instance,
  run: document.run,
  resources: document.resources,
  sandbox: sandboxOf(workDir, document.instance),
  pulling: () => {},
  step: (_name, work) => work(),
});

export const healthCheck = (more: Partial<HealthCheck> = {}): HealthCheck => ({
  protocol: "HTTP",
  path: "/",
  portIndex: null,
  port: null,
  command: null,
  gracePeriodSeconds: 0,
  intervalSeconds: 0.2,
  timeoutSeconds: 1,
  maxConsecutiveFailures: 3,
  delaySeconds: 0,
  ignoreHttp1xx: false,
  ...more,
});

export const readinessCheck = (more: Partial<ReadinessCheck> = {}): ReadinessCheck => ({
  name: "readinessCheck",
  protocol: "HTTP",
  path: "/",
  portName: "http-api",
  intervalSeconds: 30,
  timeoutSeconds: 10,
  httpStatusCodesForReady: [200],
  preserveLastResponse: false,
  ...more,
});

/** A work directory of its own, gone when this process ends: until then tasks may still write there. */
export function workDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "muster-agent-"));
  makeDirectory(instancesFolder(directory));
  makeDirectory(controlFolder(directory));
  process.once("exit", () => rmSync(directory, { recursive: true, force: true, maxRetries: 3 }));
  return directory;
}
