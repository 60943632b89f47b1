export * from "./fleet-process.ts";
export * from "./nats-server.ts";
export * from "./otlp-receiver.ts";
export * from "./simulated-agent.ts";
export * from "./simulated-fleet.ts";
export * from "./until.ts";
