/** The documents behind an event, as far as they are still there. */
import { type AppSpec, appToken, type DeploymentDocument, type StateView } from "@muster/contracts";

export const deploymentOf = (state: StateView, id: string): DeploymentDocument | null =>
  state.kind("deployment").get(id)?.value ?? null;

export const specIn = (state: StateView, app: string, version: number): AppSpec | null =>
  state.kind("version").get(`${appToken(app)}.${version}`)?.value.spec ?? null;
