/** Ids drawn from passed-in dice: unique enough for an hour-long key, and the same in a replay. */
import type { Circumstances } from "@muster/contracts";

export const drawEventId = ({ now, dice }: Circumstances): string =>
  `${now.toString(36)}-${Math.floor(dice() * 2 ** 48).toString(36)}`;
