/** Fields that ask for what no agent of this cluster can do. They are refused: an app that runs without them is another app. */
import { type At, child, type Fields, refuseUnsupported, warn } from "./coerce.ts";

const CANNOT: Readonly<Record<string, string>> = {
  storeUrls: "fetch files before a start",
  secrets: "pass on secrets",
  executorResources: "run custom executors",
  tty: "attach a terminal",
};

/** Deprecated fields that Marathon itself came to pass over. */
const WITHOUT_EFFECT: Readonly<Record<string, string>> = {
  taskRateLimit: "see backoffSeconds and backoffFactor",
  residency: "see unreachableStrategy for how long a lost instance is waited for",
};

const CONTAINER_CANNOT: Readonly<Record<string, string>> = {
  volumes: "mount volumes",
  linuxInfo: "set Linux security options",
  appc: "run AppC images",
};

const cannot = (what: string): string => `this cluster's agents cannot ${what} yet: remove the field`;
export const refuseCannot = (at: At, what: string): undefined => refuseUnsupported(at, cannot(what));

/** True for `[]`, `{}`, `""` and `false`: replies of older masters carry such fields, and they ask for nothing. */
export function asksNothing({ value }: At): boolean {
  if (value === undefined || value === false || value === "" || value === "false") return true;
  return typeof value === "object" && value !== null && Object.keys(value).length === 0;
}

export function refuseUnsupportedFields(field: Fields): void {
  refuseAll(field, CANNOT);
  const executor = field("executor");
  // "//cmd" names the executor that every app without one has.
  if (!asksNothing(executor) && executor.value !== "//cmd") refuseCannot(executor, "run custom executors");
  const role = field("role");
  if (!asksNothing(role) && role.value !== "*") refuseCannot(role, "tell roles apart");
  for (const [name, instead] of Object.entries(WITHOUT_EFFECT))
    if (!asksNothing(field(name))) warn(field(name), `ignored: ${instead}`);
}

/** A label that moved apps without gpus away from them; here they may always run beside gpus. */
const GPU_LABEL = "GPU_SCHEDULING_BEHAVIOR";

export function warnOfLabels(at: At, labels: Readonly<Record<string, string>>): void {
  const behavior = labels[GPU_LABEL];
  if (at.inherited || behavior === undefined || behavior === "unrestricted" || behavior === "undefined") return;
  warn(
    child(at, GPU_LABEL, behavior),
    "without effect: an app without gpus may run where some are; constraints keep it away",
  );
}

export function refuseUnsupportedContainerFields(field: Fields): void {
  refuseAll(field, CONTAINER_CANNOT);
}

function refuseAll(field: Fields, table: Readonly<Record<string, string>>): void {
  for (const [name, what] of Object.entries(table)) if (!asksNothing(field(name))) refuseCannot(field(name), what);
}
