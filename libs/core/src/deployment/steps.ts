/** What a deployment is made of: steps that follow each other, each of actions that go side by side. */
import type { DeploymentAction, DeploymentDocument, Stand } from "@muster/contracts";

export type DeploymentStep = DeploymentDocument["steps"][number];

/** The steps as stored; of a document from before there were any, the one action it stood for. */
export function stepsOf(deployment: DeploymentDocument): readonly DeploymentStep[] {
  if (deployment.steps.length > 0) return deployment.steps;
  const { app, action, fromVersion, version, instances } = deployment;
  if (action === "group" || action === "rollback") return [];
  const from: Stand | null = fromVersion === null ? null : { version: fromVersion, instances };
  return [
    { actions: [{ app, action, from, to: action === "delete" ? null : { version, instances }, isStaged: false }] },
  ];
}

export const actionsAt = (deployment: DeploymentDocument): readonly DeploymentAction[] =>
  stepsOf(deployment)[deployment.step]?.actions ?? [];

export const affectedApps = (deployment: DeploymentDocument): readonly string[] => [
  ...new Set(stepsOf(deployment).flatMap(({ actions }) => actions.map(({ app }) => app))),
];
