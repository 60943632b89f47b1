/** The thread in which plans are made: it holds the documents it was handed, and nothing else of the cluster. */
import { parentPort } from "node:worker_threads";
import { type Entry, MusterError } from "@muster/contracts";
import { planApp } from "@muster/core";
import type { Bucket, FromThread, ToThread } from "./planner.ts";

const scene: Readonly<Record<Bucket, Map<string, Map<string, Entry<unknown>>>>> = {
  state: new Map(),
  health: new Map(),
};

parentPort?.on("message", (message: ToThread) => {
  if (message.type === "documents") take(message);
  else parentPort?.postMessage(answer(message));
});

function take({ bucket, kind, put, drop }: Extract<ToThread, { type: "documents" }>): void {
  const documents = scene[bucket].get(kind) ?? new Map<string, Entry<unknown>>();
  scene[bucket].set(kind, documents);
  for (const rest of drop) documents.delete(rest);
  for (const [rest, value, revision] of put) documents.set(rest, { value, revision });
}

function answer({ reading, options, now }: Extract<ToThread, { type: "plan" }>): FromThread {
  try {
    return { type: "plan", plan: planApp(scene, reading, options, { now, dice: Math.random }) };
  } catch (cause) {
    const error = cause instanceof MusterError ? cause : new MusterError("internal", (cause as Error).stack ?? "");
    const { code, message, problems, deployments } = error;
    return { type: "refusal", code, message, problems, deployments };
  }
}
