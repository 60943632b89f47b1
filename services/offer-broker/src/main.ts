import { runService } from "@muster/runtime";
import { kinds, startOfferBroker } from "./service.ts";

await runService("offer-broker", {}, kinds, startOfferBroker);
