#!/usr/bin/env node
import { runService } from "@muster/runtime";
import { kinds, startGateway } from "./service.ts";
import { settings } from "./settings.ts";

await runService("gateway", settings, kinds, startGateway);
