/** Deployments: how they begin, advance, are steered, go back and end. */
export * from "./advance.ts";
export { type AppChange, composeDeployment, type Request } from "./compose.ts";
export * from "./marathon-action.ts";
export * from "./steer.ts";
export * from "./steps.ts";
