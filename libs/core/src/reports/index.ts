/** What people are told of the state: apps, tasks, agents, the queue, and why something waits. Nothing here decides. */
export * from "./agents.ts";
export * from "./app-info.ts";
export * from "./instances.ts";
export * from "./queue-info.ts";
export { appTasks, endpointsText, type MarathonJson } from "./tasks.ts";
export * from "./why.ts";
