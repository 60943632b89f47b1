/** For tests: the API of a gateway in memory, asked as over HTTP. */
import { keys } from "@muster/contracts";
import { createApi } from "../api.ts";
import type { Gateway } from "../gateway.ts";
import { type FakeGateway, fakeGateway } from "./fake-gateway.ts";

export type App = { readonly id: string; readonly instances: number; readonly cmd: string; readonly tasks?: unknown[] };
export type Group = {
  readonly id: string;
  readonly apps: readonly App[];
  readonly groups: readonly Group[];
  readonly pods: readonly unknown[];
  readonly dependencies: readonly string[];
  readonly version: string;
  readonly enforceRole?: boolean;
};
export type Reply = Group & {
  readonly message: string;
  readonly code: string;
  readonly deploymentId: string;
  readonly details: readonly { readonly path: string; readonly errors: readonly string[]; readonly line?: number }[];
  readonly deployments: readonly { readonly id: string }[];
  readonly steps: unknown;
};

export async function startAsking(more: Partial<Gateway> = {}) {
  const gateway = await fakeGateway(more);
  const api = createApi(gateway);
  const ask = async (method: string, path: string, body?: unknown) => {
    const request = new Request(`http://127.0.0.1:8080${path}`, {
      method,
      headers: { host: "127.0.0.1:8080" },
      body: body === undefined ? null : typeof body === "string" ? body : JSON.stringify(body),
    });
    const response = await api.fetch(request, { requester: { who: "test", from: "here" } });
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      json: (text === "" ? null : JSON.parse(text)) as Reply,
    };
  };
  return { gateway, ask };
}

/** The deployer's part: the deployment has brought everything about. */
export function end({ state }: FakeGateway): void {
  for (const { value } of [...state.kind("deployment").values()]) {
    if (value.state !== "running") continue;
    for (const { app, to } of value.steps.flatMap(({ actions }) => actions)) {
      const before = state.kind("app").get(keys.app(app).slice(4))?.value;
      if (before === undefined) continue;
      if (to === null) for (const key of [keys.app(app), keys.path(app)]) state.put(key, null);
      else state.put(keys.app(app), { ...before, ...to, goal: "run", deployment: null });
    }
    state.put(keys.deployment(value.id), { ...value, state: "succeeded" });
  }
}

export const app = (id: string, more: object = {}) => ({ id, cmd: "sleep 9", portDefinitions: [], ...more });
export const shop = {
  id: "/shop",
  groups: [
    { id: "web", dependencies: ["../db"], apps: [app("front", { instances: 2 })] },
    { id: "db", apps: [app("main")] },
  ],
};
