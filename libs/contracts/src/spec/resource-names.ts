/** Names of resources: five are built in, all others are an operator's own. */
import { isForbiddenKey } from "./document.ts";

export const BUILT_IN_RESOURCES = ["cpus", "mem", "disk", "gpus", "ports"] as const;
export type BuiltInResource = (typeof BUILT_IN_RESOURCES)[number];

/** Words for the same in other systems. As custom resources they would be counted beside the real ones, by mistake. */
const OTHER_WORDS: Readonly<Record<string, BuiltInResource>> = {
  cpu: "cpus",
  memory: "mem",
  ram: "mem",
  gpu: "gpus",
  port: "ports",
};

export const isBuiltIn = (name: string): name is BuiltInResource =>
  (BUILT_IN_RESOURCES as readonly string[]).includes(name);

/** The built-in resource that `name` is, or is a word for; null for a custom one. */
export function builtInMeant(name: string): BuiltInResource | null {
  if (isBuiltIn(name)) return name;
  return Object.hasOwn(OTHER_WORDS, name) ? (OTHER_WORDS[name] ?? null) : null;
}

/** True for a name that an operator's own resource may have: none that every JavaScript object answers to. */
export const isCustomName = (name: string): boolean =>
  isWord(name) && !isForbiddenKey(name) && !(name in Object.prototype);

/** What names of resources and attributes, and words as their values, are made of. */
export const isWord = (text: string): boolean => /^[a-zA-Z0-9_/.-]+$/.test(text);
