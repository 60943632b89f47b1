import { runService } from "@muster/runtime";
import { kinds, startHealth } from "./service.ts";
import { settings } from "./settings.ts";

await runService("health", settings, kinds, startHealth);
