import type { CheckName, Resources } from "@muster/contracts";
import type { FeasibilityCheck } from "./check.ts";

const cores = (millis: number): string => String(Number((millis / 1_000).toFixed(3)));

/** Refuses an agent with too little of one resource left: `needs 0.5 cpus, 0.2 free`. */
const enough = (
  name: CheckName,
  resource: keyof Resources,
  unit: string,
  show: (amount: number) => string = String,
): FeasibilityCheck => ({
  name,
  cures: ["agent.offer", "instance.released"],
  isQuantity: true,
  applies: (ask) => ask.resources[resource] > 0,
  short: (ask, fleet, i) => Math.max(0, ask.resources[resource] - fleet.free(i, resource)),
  reason: (ask, fleet, i) => `needs ${show(ask.resources[resource])} ${unit}, ${show(fleet.free(i, resource))} free`,
});

export const cpus = enough("cpus", "cpuMillis", "cpus", cores);
export const memory = enough("memory", "memoryMib", "MiB of memory");
export const disk = enough("disk", "diskMib", "MiB of disk");
export const gpus = enough("gpus", "gpus", "gpus");
