/** For tests: requests about the app `/web`, carried out on a state made by hand. */
import assert from "node:assert/strict";
import {
  type AppDocument,
  type AppSpec,
  type DeploymentDocument,
  keys,
  MusterError,
  type ReadApp,
  readApp,
} from "@muster/contracts";
import type { Asked, Change } from "../change.ts";
import { currentApp } from "../current.ts";
import { decideCreate, decideUpdate } from "../decide.ts";
import { type HandmadeState, handmadeState } from "./handmade-view.ts";

export const NOW = 1_800_000_000_000;
export const at = { now: NOW, dice: () => 0 };

export const read = (fields: object): ReadApp => readApp({ id: "/web", cmd: "sleep 9", ...fields });
export const asked = (deploymentId: string, more: Partial<Asked> = {}): Asked => ({
  app: "/web",
  deploymentId,
  force: false,
  by: { who: "test", from: "here" },
  submitted: null,
  trace: "00-0123456789abcdef0123456789abcdef-0123456789abcdef-01",
  ...more,
});

export function commit(state: HandmadeState, change: Change): Change {
  state.commit(change.decision);
  return change;
}

export const documentOf = (state: HandmadeState): AppDocument => currentApp(state, "/web")?.document as AppDocument;
export const specOf = (state: HandmadeState): AppSpec => currentApp(state, "/web")?.spec as AppSpec;
export const deploymentOf = (state: HandmadeState, id: string) =>
  state.kind("deployment").get(id)?.value as DeploymentDocument;

/** An app whose deployment has ended. */
export function standing(fields: object = {}): HandmadeState {
  const state = handmadeState();
  commit(state, decideCreate(state, asked("d0"), read(fields), at));
  end(state);
  return state;
}

export function end(state: HandmadeState): void {
  const document = documentOf(state);
  state.put(keys.deployment(document.deployment as string), {
    ...deploymentOf(state, document.deployment as string),
    state: "succeeded",
    endedAtMs: NOW,
  });
  state.put(keys.app("/web"), { ...document, deployment: null });
  state.told.length = 0;
}

export const update = (state: HandmadeState, who: Asked, fields: object, now = NOW): Change =>
  decideUpdate(state, who, { read: () => read(fields), mustExist: false }, { ...at, now });

export const refusedWith =
  (code: MusterError["code"], ...parts: string[]) =>
  (error: unknown) => {
    assert.ok(error instanceof MusterError);
    assert.equal(error.code, code);
    for (const part of parts) assert.ok(error.message.includes(part), `${error.message} should name ${part}`);
    return true;
  };
