/** What an operator may set on a placement worker, beside the settings every service has. */
import { STRATEGIES } from "@muster/contracts";
import { type Settings, setting } from "@muster/runtime";
import { z } from "zod";

export const settings = {
  strategy: setting(
    z.enum(STRATEGIES).default("spread"),
    `how instances of apps that name no strategy are placed: ${STRATEGIES.join(", ")}`,
  ),
  envVarsPrefix: setting(
    z
      .string()
      .regex(/^([A-Za-z_][A-Za-z0-9_]*)?$/, "expected letters, digits and _, not beginning with a digit")
      .default(""),
    "what stands in front of the names of HOST, PORT, PORT0 and so on in the environment of instances",
    "text",
  ),
} as const satisfies Settings;
