#!/usr/bin/env node
/**
 * Several services in one process, on a nats-server that runs elsewhere: they share one connection and one view, so each change
 * is delivered, read and kept once. For small control planes; as many such processes as you like, each with its own choice.
 */
import { kinds as deployerKinds, startDeployer } from "@muster/deployer";
import { kinds as gatewayKinds, startGateway } from "@muster/gateway";
import { settings as gatewaySettings } from "@muster/gateway/settings";
import { kinds as healthKinds, startHealth } from "@muster/health";
import { settings as healthSettings } from "@muster/health/settings";
import { kinds as brokerKinds, startOfferBroker } from "@muster/offer-broker";
import { kinds as placementKinds, startPlacement } from "@muster/placement";
import { settings as placementSettings } from "@muster/placement/settings";
import { runServices, type ServiceStart, SettingsError, setting } from "@muster/runtime";
import { z } from "zod";

const settings = {
  ...gatewaySettings,
  ...healthSettings,
  ...placementSettings,
  services: setting(
    z.string().default("offer-broker,health,gateway,placement,deployer"),
    "which services to run, separated by commas",
  ),
};

const SERVICES: readonly ServiceStart<typeof settings>[] = [
  { name: "offer-broker", kinds: brokerKinds, start: startOfferBroker },
  { name: "health", kinds: healthKinds, start: startHealth },
  { name: "gateway", kinds: gatewayKinds, start: startGateway },
  { name: "placement", kinds: placementKinds, start: startPlacement },
  { name: "deployer", kinds: deployerKinds, start: startDeployer },
];
const NAMES = SERVICES.map(({ name }) => name);

await runServices("control-plane", settings, ({ services }) => {
  const wanted = services.split(",").map((name) => name.trim());
  const unknown = wanted.find((name) => !NAMES.includes(name));
  if (unknown !== undefined)
    throw new SettingsError(`--services names ${JSON.stringify(unknown)}: expected some of ${NAMES.join(", ")}`);
  return SERVICES.filter(({ name }) => wanted.includes(name));
});
