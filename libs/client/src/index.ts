export * from "./apps.ts";
export * from "./client.ts";
export * from "./events.ts";
export * from "./follow.ts";
export * from "./logs.ts";
export * from "./names.ts";
export * from "./request.ts";
export * from "./settling.ts";
