/** What a deployment is made of: steps that follow each other, each of actions that go side by side. */
import { type DeploymentAction, type DeploymentDocument, stepsOf } from "@muster/contracts";

export { affectedApps, type DeploymentStep, stepsOf } from "@muster/contracts";

export const actionsAt = (deployment: DeploymentDocument): readonly DeploymentAction[] =>
  stepsOf(deployment)[deployment.step]?.actions ?? [];
