/** From what people typed to the deployment they mean: its id, the beginning of it, or an app or a group, whose running one it is. */
import { appIdFrom, type Client } from "@muster/client";
import type { AppId, DeploymentDocument } from "@muster/contracts";
import { UsageError } from "./exit.ts";
import { exactApp, findApp, oneOf, unlessUnknown } from "./find.ts";

export type FoundDeployment = {
  readonly app: AppId;
  /** Null: an app was named, and none of its deployments is running. */
  readonly deployment: DeploymentDocument | null;
};

/** @throws UsageError for several of them, MusterError app.unknown for none. */
export async function findDeployment(client: Client, text: string): Promise<FoundDeployment> {
  const exact = text.startsWith("/") ? null : await unlessUnknown(client.deployment(text));
  if (exact !== null) return { app: exact.app, deployment: exact };
  const app = await exactApp(client, text);
  if (app !== null) return await runningOf(client, app);
  const known = await client.deploymentHistory();
  const ofGroup = known.find(({ group, state }) => group !== null && group === appIdFrom(text) && state === "running");
  if (ofGroup !== undefined) return { app: ofGroup.app, deployment: ofGroup };
  const beginning = known.filter(({ id }) => id.startsWith(text));
  if (beginning.length === 0) return await runningOf(client, await findApp(client, text));
  const ids = beginning.map(({ id }) => id);
  const id = oneOf(
    ids.length === 1 ? { type: "one", id: ids[0] as string } : { type: "many", ids },
    text,
    "deployment",
  );
  const deployment = beginning.find((one) => one.id === id) as DeploymentDocument;
  return { app: deployment.app, deployment };
}

/** @throws UsageError where an app was named that nothing is changing. */
export async function findRunning(client: Client, text: string): Promise<DeploymentDocument> {
  const { app, deployment } = await findDeployment(client, text);
  if (deployment !== null) return deployment;
  const name = app.slice(1);
  throw new UsageError(`no deployment of ${app} is running: "muster deployments ${name}" shows those that ended`);
}

async function runningOf(client: Client, app: AppId): Promise<FoundDeployment> {
  const [deployment = null] = await client.deploymentHistory({ app, state: "running" });
  return { app, deployment };
}
