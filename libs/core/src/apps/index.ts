/** Decisions about apps, and the operator's word about agents. */
export * from "./agent-word.ts";
export type { Answer, Asked, Change } from "./change.ts";
export { type CurrentApp, currentApp, knownApp, unknownApp, versionsOf } from "./current.ts";
export * from "./decide.ts";
export { type StandingState, withFirstStep } from "./first-step.ts";
export { purgeOldVersions } from "./old-versions.ts";
export * from "./orders.ts";
export * from "./rejection.ts";
export { isSame } from "./same.ts";
export { refuseScaling } from "./scaling.ts";
export { servicePortsOf } from "./service-ports.ts";
export { diffSpecs } from "./spec-diff.ts";
export { targetApp } from "./target.ts";
export { isoTime, spanText } from "./time.ts";
