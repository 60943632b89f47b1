/** `muster pause|resume|promote|abort ID|APP`: a person's word about a deployment that runs. */
import type { Steering } from "@muster/client";
import type { DeploymentDocument } from "@muster/contracts";
import { isForPrograms } from "../context.ts";
import { EXIT } from "../exit.ts";
import { findRunning } from "../find-deployment.ts";
import { printDocument } from "../output.ts";
import type { Run } from "../program.ts";
import { withSession } from "../session.ts";

type Word = Exclude<Steering, "rollback">;

const steering =
  (action: Word): Run =>
  (context, [text = ""]) =>
    withSession(context, async ({ client }) => {
      const { out, err } = context;
      const deployment = await findRunning(client, text);
      const running = await client.steerDeployment(deployment.id, action);
      if (isForPrograms(context))
        printDocument(context, { app: deployment.app, deployment: deployment.id, action, running });
      else if (context.output === "name") out.print(deployment.id);
      else err.print(`${err.paint("good", err.glyphs.ok)} ${sentenceOf(action, deployment)}`);
      return EXIT.reached;
    });

function sentenceOf(action: Word, { id, app, group }: DeploymentDocument): string {
  const what = group ?? app;
  switch (action) {
    case "pause":
      return `${what} stays as it stands until \`muster resume ${id}\``;
    case "resume":
      return `${what} goes on: \`muster deploy --attach ${id}\` shows how`;
    case "promote":
      return `${what} goes on to its next stage: \`muster deploy --attach ${id}\` shows how`;
    case "abort":
      return `${what} stays as it stands, half way, and may be changed again`;
  }
}

export const pause = steering("pause");
export const resume = steering("resume");
export const promote = steering("promote");
export const abort = steering("abort");
