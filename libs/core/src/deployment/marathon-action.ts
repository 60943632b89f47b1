/** What Marathon calls the actions of a deployment. */
import { type DeploymentAction, unreachable } from "@muster/contracts";

export function marathonAction(action: DeploymentAction["action"]): string {
  switch (action) {
    case "start":
      return "StartApplication";
    case "scale":
    case "update":
      return "ScaleApplication";
    case "upgrade":
    case "restart":
      return "RestartApplication";
    case "delete":
      return "StopApplication";
    default:
      return unreachable(action);
  }
}
