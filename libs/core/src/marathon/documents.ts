/** The documents behind an event, as far as they are still there. */
import type { DeploymentDocument, StateView } from "@muster/contracts";

export const deploymentOf = (state: StateView, id: string): DeploymentDocument | null =>
  state.kind("deployment").get(id)?.value ?? null;
