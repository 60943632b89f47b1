import { runService } from "@muster/runtime";
import { kinds, startPlacement } from "./service.ts";

await runService("placement", {}, kinds, startPlacement);
