export * from "./nats-server.ts";
export * from "./otlp-receiver.ts";
export * from "./simulated-agent.ts";
export * from "./until.ts";
