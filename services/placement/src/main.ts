import { runService } from "@muster/runtime";
import { kinds, startPlacement } from "./service.ts";
import { settings } from "./settings.ts";

await runService("placement", settings, kinds, startPlacement);
