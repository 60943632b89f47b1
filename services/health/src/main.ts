import { runService } from "@muster/runtime";
import { kinds, startHealth } from "./service.ts";

await runService("health", {}, kinds, startHealth);
