import type { CheckName, Resources } from "@muster/contracts";
import { type FeasibilityCheck, FITS, refuse } from "./check.ts";

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
  check: (ask, agent) => {
    const asked = ask.resources[resource];
    const left = agent.free(resource);
    return left >= asked ? FITS : refuse(`needs ${show(asked)} ${unit}, ${show(left)} free`, asked - left);
  },
});

export const cpus = enough("cpus", "cpuMillis", "cpus", cores);
export const memory = enough("memory", "memoryMib", "MiB of memory");
export const disk = enough("disk", "diskMib", "MiB of disk");
export const gpus = enough("gpus", "gpus", "gpus");
