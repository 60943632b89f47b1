/** What a machine offers when nobody says otherwise: Mesos's rules, which leave something for the system itself. */
import { statfsSync } from "node:fs";
import { availableParallelism, totalmem } from "node:os";
import type { Resources } from "@muster/contracts";

const MIB = 1024 * 1024;
const MEMORY_LEFT_MIB = 1024;
const DISK_LEFT_MIB = 5 * 1024;

/** All but `left`, or half where that would be little. */
const allBut = (total: number, left: number): number => Math.floor(total > 2 * left ? total - left : total / 2);

export function detectResources(workDir: string): Resources {
  // A memory limit of our own control group counts for containers of an agent that is one itself.
  const limit = process.constrainedMemory();
  const memory = limit > 0 ? Math.min(limit, totalmem()) : totalmem();
  const { bsize, blocks } = statfsSync(workDir);
  return {
    cpuMillis: availableParallelism() * 1_000,
    memoryMib: allBut(memory / MIB, MEMORY_LEFT_MIB),
    diskMib: allBut((bsize * blocks) / MIB, DISK_LEFT_MIB),
    gpus: 0,
  };
}
