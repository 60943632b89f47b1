/** What an operator may set on a placement worker, beside the settings every service has. */
import { STRATEGIES } from "@muster/contracts";
import { type Settings, setting } from "@muster/runtime";
import { z } from "zod";

export const settings = {
  strategy: setting(
    z.enum(STRATEGIES).default("spread"),
    `how instances of apps that name no strategy are placed: ${STRATEGIES.join(", ")}`,
  ),
} as const satisfies Settings;
