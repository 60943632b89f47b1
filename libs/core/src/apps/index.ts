/** Decisions about apps and the operator's word about agents, and the views that answer people's questions. */
export * from "./agent-word.ts";
export * from "./agents.ts";
export * from "./app-info.ts";
export type { Answer, Asked, Change } from "./change.ts";
export { type CurrentApp, currentApp, knownApp, unknownApp, versionsOf } from "./current.ts";
export * from "./decide.ts";
export { type StandingState, withFirstStep } from "./first-step.ts";
export * from "./instances.ts";
export { type PlanOptions, planApp } from "./plan.ts";
export * from "./queue-info.ts";
export * from "./rejection.ts";
export { refuseScaling } from "./scaling.ts";
export * from "./scene.ts";
export { servicePortsOf } from "./service-ports.ts";
export { isoTime, spanText } from "./time.ts";
export * from "./why.ts";
