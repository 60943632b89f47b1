/** What the agent says about itself. */
import { readFileSync } from "node:fs";
import {
  type AgentReport,
  type CustomResources,
  PORT_RANGE,
  type PortRange,
  parseAttributes,
  parseResources,
  type Resources,
  type RuntimeName,
} from "@muster/contracts";
import { detectResources } from "./host/detect.ts";
import type { Identity } from "./journal/identity.ts";
import type { AgentConfig } from "./settings.ts";

const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
  version: string;
};

export type Supply = {
  readonly capacity: Resources;
  readonly ports: PortRange[];
  /** What the operator named beyond what every machine has. */
  readonly custom: CustomResources;
};

/** What changes while an agent lives. */
export type Now = {
  readonly startedAtMs: number;
  readonly runtimes: readonly RuntimeName[];
  /** Container images that need no pull. */
  readonly images: readonly string[];
  readonly inventory: AgentReport["inventory"];
};

/** Detected, as far as the settings do not say otherwise. */
export function supplyOf(config: AgentConfig): Supply {
  const given = parseResources(config.resources);
  return {
    capacity: { ...detectResources(config.workDir), ...given.resources },
    ports: given.ports ?? [{ first: PORT_RANGE.first, last: PORT_RANGE.last }],
    custom: given.custom,
  };
}

export function reportOf(
  config: AgentConfig,
  identity: Identity,
  { capacity, ports, custom }: Supply,
  now: Now,
): AgentReport {
  return {
    agent: config.agentId,
    hostname: config.hostname,
    address: config.address,
    capacity,
    ports,
    attributes: parseAttributes(config.attributes),
    role: config.role,
    region: config.region,
    zone: config.zone,
    runtimes: [...now.runtimes],
    custom,
    images: now.runtimes.includes("docker") ? [...now.images] : [],
    incarnation: identity.incarnation,
    nonce: identity.nonce,
    startedAtMs: now.startedAtMs,
    inventory: now.inventory,
    version,
  };
}
