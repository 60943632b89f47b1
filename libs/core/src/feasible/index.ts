/** Every check, in the order in which they are asked: the first refusal is the one that is told. */
import type { FeasibilityCheck } from "./check.ts";
import { constraints } from "./constraints.ts";
import { gate } from "./gate.ts";
import { ports } from "./ports.ts";
import { cpus, disk, gpus, memory } from "./resources.ts";
import { role } from "./role.ts";
import { runtime } from "./runtime.ts";

export const FEASIBILITY_CHECKS: readonly FeasibilityCheck[] = [
  gate,
  runtime,
  role,
  constraints,
  cpus,
  memory,
  disk,
  gpus,
  ports,
];
