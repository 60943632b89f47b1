/** Every check of one agent alone, in the order in which they are asked; an app's rules stand between the first three and the rest. */
import type { FeasibilityCheck } from "./check.ts";
import { custom } from "./custom.ts";
import { gate } from "./gate.ts";
import { ports } from "./ports.ts";
import { cpus, disk, gpus, memory } from "./resources.ts";
import { role } from "./role.ts";
import { runtime } from "./runtime.ts";

/** What an agent is, whatever it has free. */
export const CLASS_CHECKS: readonly FeasibilityCheck[] = [gate, runtime, role];
/** What it has free. */
export const QUANTITY_CHECKS: readonly FeasibilityCheck[] = [cpus, memory, disk, gpus, custom, ports];
