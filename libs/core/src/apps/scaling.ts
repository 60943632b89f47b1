/** Which numbers of instances an app cannot have, whatever version it is. */
import { type AppSpec, MusterError, ROUND_INSTANCES_MAX } from "@muster/contracts";

/** Throws `spec.invalid` for an app on every agent, and for a gang that one commit cannot hold. */
export function refuseScaling({ id, placement }: AppSpec, instances: number): void {
  if (placement.isGlobal)
    throw refused(`${id} has one instance on every agent that may run it: it cannot be given a number of instances`);
  if (placement.gang !== null && instances > ROUND_INSTANCES_MAX)
    throw refused(`a gang is placed in one commit of at most ${ROUND_INSTANCES_MAX} instances, got ${instances}`);
}

const refused = (message: string): MusterError =>
  new MusterError("spec.invalid", message, { problems: [{ path: "/instances", message }] });
