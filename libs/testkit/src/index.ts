export * from "./nats-server.ts";
export * from "./simulated-agent.ts";
export * from "./until.ts";
