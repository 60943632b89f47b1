/** What a change would do: the real decisions, rehearsed on a copy of what they rest on. */
export { type PlanOptions, planApp } from "./plan.ts";
export * from "./scene.ts";
