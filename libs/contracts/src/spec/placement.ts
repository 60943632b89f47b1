/**
 * Where an app may and would rather run, beyond Marathon's constraints: fleet's options, Swarm's expressions, Kubernetes'
 * affinities, a strategy, gangs and a priority. Text forms are parsed once, when a spec is read.
 */
import { z } from "zod";

/** `spread`: as evenly as can be; `binpack`: as few agents as can be; `random`: any that fits. */
export const STRATEGIES = ["spread", "binpack", "random"] as const;
export type Strategy = (typeof STRATEGIES)[number];

/** Most urgent first: which wake-ups are served before others (first in, first out inside a class). */
export const PRIORITIES = ["high", "normal", "low"] as const;
export type Priority = (typeof PRIORITIES)[number];

/** A Swarm expression: `storage==ssd`, `node!=n1*`, `region==~/eu-.+/`. `~` after the operator makes it soft. */
export const ExpressionSchema = z.object({
  /** `node`, which is Swarm's word for the hostname, `@hostname`, `@region`, `@zone` or an attribute. */
  field: z.string().min(1),
  operator: z.enum(["==", "!="]),
  /** A glob (`*` and `?`), or a regular expression between slashes, which must match the whole value. */
  pattern: z.object({ type: z.enum(["glob", "regex"]), text: z.string() }),
  isSoft: z.boolean(),
});
export type Expression = z.infer<typeof ExpressionSchema>;

/** One requirement of a Kubernetes label selector; a selector is all of them. */
export const LabelRequirementSchema = z.object({
  key: z.string().min(1),
  operator: z.enum(["=", "!=", "in", "notin", "exists", "!exists"]),
  /** One for `=` and `!=`, any number for `in` and `notin`, none for `exists` and `!exists`. */
  values: z.array(z.string()),
});
export type LabelRequirement = z.infer<typeof LabelRequirementSchema>;

/** "With (or not with) instances of these apps, on the same value of a field". */
export const AffinityTermSchema = z.object({
  /** Either an app by name or apps by their labels: exactly one of the two is null. */
  app: z.string().nullable(),
  selector: z.array(LabelRequirementSchema).nullable(),
  /** `@hostname`: on the same agent; an attribute such as `rack`: in the same rack. */
  over: z.string().min(1),
  /** 1 to 100: preferred, the more the heavier; null: required. */
  weight: z.int().min(1).max(100).nullable(),
});
export type AffinityTerm = z.infer<typeof AffinityTermSchema>;

export const PlacementSpecSchema = z.object({
  /** null: the cluster's own strategy. */
  strategy: z.enum(STRATEGIES).nullable(),
  /** Instances are kept even over the values of these fields, before agents are compared; weights are 1 to 100. */
  spreadOver: z.array(z.object({ field: z.string().min(1), weight: z.int().min(1).max(100) })),
  expressions: z.array(ExpressionSchema),
  affinity: z.array(AffinityTermSchema),
  antiAffinity: z.array(AffinityTermSchema),
  /** fleet's MachineID: this agent and no other. */
  machineId: z.string().nullable(),
  /** fleet's MachineOf: on an agent that runs this app. */
  machineOf: z.string().nullable(),
  /** fleet's MachineMetadata: the same key twice means either value, different keys mean both. */
  machineMetadata: z.array(z.object({ key: z.string().min(1), value: z.string() })),
  /**
   * fleet's Conflicts: globs of app ids that may not share an agent with this one, nor this one with them. They are absolute, and
   * `*` stands for slashes too.
   */
  conflicts: z.array(z.string().min(1)),
  /** fleet's Global: one on every eligible agent. `instances` means nothing and is read as 1; there is no strategy. */
  isGlobal: z.boolean(),
  /** All instances are placed in one commit, or none. */
  gang: z
    .object({
      /** Seconds a gang waits before it may hold free capacity while it waits for the rest. */
      patienceSeconds: z.number().min(0),
      /** Seconds after which held capacity is given back. */
      holdSeconds: z.number().positive(),
    })
    .nullable(),
  priority: z.enum(PRIORITIES),
});
export type PlacementSpec = z.infer<typeof PlacementSpecSchema>;

export const NO_PLACEMENT: PlacementSpec = {
  strategy: null,
  spreadOver: [],
  expressions: [],
  affinity: [],
  antiAffinity: [],
  machineId: null,
  machineOf: null,
  machineMetadata: [],
  conflicts: [],
  isGlobal: false,
  gang: null,
  priority: "normal",
};

/** Resources of an operator's own: amounts in whole units, and sets of named things handed out one by one. */
export const CustomAskSchema = z.object({
  scalars: z.record(z.string(), z.int().min(0)),
  /** How many of the set, whichever they are, or exactly these. */
  sets: z.record(z.string(), z.union([z.int().min(1), z.array(z.string()).min(1)])),
});
export type CustomAsk = z.infer<typeof CustomAskSchema>;
export const NO_CUSTOM_ASK: CustomAsk = { scalars: {}, sets: {} };

/** What may be used beyond what is asked for: null means no more than asked, `unlimited` no bound. */
export const LimitsSchema = z.object({
  cpus: z.union([z.number().positive(), z.literal("unlimited")]).nullable(),
  mem: z.union([z.number().positive(), z.literal("unlimited")]).nullable(),
});
export type Limits = z.infer<typeof LimitsSchema>;
export const NO_LIMITS: Limits = { cpus: null, mem: null };
