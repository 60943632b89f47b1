/** `muster rollback ID|APP`: undoes what runs, or makes an app again what it was before, or in the version that is named. */
import type { Change } from "@muster/client";
import type { AppId } from "@muster/contracts";
import { carryOut, type WaitOptions } from "../change.ts";
import { streamed } from "../context.ts";
import { findDeployment } from "../find-deployment.ts";
import type { Run } from "../program.ts";
import { withSession } from "../session.ts";
import { findVersion, versionToGoBackTo } from "../versions.ts";

export const run: Run = (given, [text = ""], options) => {
  const context = streamed(given);
  return withSession(context, async (session) => {
    const { client } = session;
    const { app, deployment } = await findDeployment(client, text);
    const { to } = options;
    const waiting: WaitOptions = { ...(options as WaitOptions), isDeploy: true };
    if (typeof to !== "string" && deployment !== null)
      return await carryOut(context, session, "rollback", waiting, async ({ traceparent = null }) =>
        undone(app, await client.steerDeployment(deployment.id, "rollback", { traceparent })),
      );
    const version = typeof to === "string" ? await findVersion(client, app, to) : await versionToGoBackTo(client, app);
    return await carryOut(context, session, "rollback", waiting, (change) => client.goBack(app, version, change));
  });
};

const undone = (app: AppId, deployment: string | null): Change => ({
  app,
  deployment,
  version: null,
  warnings: [],
  traceId: null,
});
