/** What an operator may set on a health process, beside the settings every service has. */
import { numberSetting, type Settings, setting } from "@muster/runtime";

export const settings = {
  launchConfirmMs: setting(
    numberSetting(300_000, { min: 1_000 }),
    "how long an agent that is there may take to take an instance on; then it is replaced",
    "ms",
  ),
  launchMs: setting(
    numberSetting(300_000, { min: 1_000 }),
    "how long an instance may take from its agent's last word, such as that it pulls the image, until it runs; then it is replaced",
    "ms",
  ),
} as const satisfies Settings;
