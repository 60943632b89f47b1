/** Who this agent is in this life: its work directory's own id, how often it started, and a nonce per start. */
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { z } from "zod";
import { readIfThere, writeDurably } from "./disk.ts";

const KeptSchema = z.object({
  /** Drawn when the work directory was first used: labels containers and facts, so that another directory's are not taken for ours. */
  life: z.string(),
  incarnation: z.int(),
});

export type Identity = {
  readonly life: string;
  readonly nonce: string;
  /** Counts starts; grows past the last registered one if the directory was restored from an older copy. */
  readonly incarnation: number;
  /** Makes the incarnation higher than one that another start registered, and keeps it. */
  outgrow(registered: number): void;
};

export function openIdentity(workDir: string): Identity {
  const path = join(workDir, "identity.json");
  const text = readIfThere(path);
  const kept = text === null ? { life: randomUUID(), incarnation: 0 } : KeptSchema.parse(JSON.parse(text));
  let { incarnation } = kept;
  const advance = (to: number): void => {
    incarnation = to;
    writeDurably(path, `${JSON.stringify({ life: kept.life, incarnation })}\n`);
  };
  advance(incarnation + 1);
  return {
    life: kept.life,
    nonce: randomUUID(),
    get incarnation() {
      return incarnation;
    },
    outgrow(registered) {
      if (registered >= incarnation) advance(registered + 1);
    },
  };
}
