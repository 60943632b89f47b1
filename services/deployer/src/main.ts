import { runService } from "@muster/runtime";
import { kinds, startDeployer } from "./service.ts";

await runService("deployer", {}, kinds, startDeployer);
