/** Which network an app is on: `networks` since Marathon 1.5, `container.docker.network` and `ipAddress` before. */
import type { AppSpec } from "../app.ts";
import { type At, isGiven, readList, readObject, readOneOf, readText, refuse, warn } from "./coerce.ts";
import { asksNothing, refuseCannot } from "./unsupported.ts";

type Network = AppSpec["network"];

const MODES = ["host", "container/bridge", "container", "bridge", "none"] as const;
const OLD_MODES = ["HOST", "BRIDGE", "NONE", "USER"] as const;
const OF_OLD_MODE = { HOST: "host", BRIDGE: "bridge", NONE: "none" } as const;

export function readNetwork(networks: At, oldNetwork: At, ipAddress: At): Network {
  const [old, other] = [oldNetwork, ipAddress].filter(isGiven);
  if (old === undefined) return readNetworks(networks) ?? "host";
  const name = old === oldNetwork ? "container.docker.network" : "ipAddress";
  if (other !== undefined) refuse(other, "ipAddress and container.docker.network exclude each other: write networks");
  if (!networks.inherited && !asksNothing(networks)) {
    refuse(old, `networks and ${name} exclude each other: keep networks`);
  }
  return (old === oldNetwork ? readOldNetwork(old) : readIpAddress(old)) ?? "host";
}

/** What Marathon called the bridge of containers that no docker engine ran. */
const BRIDGE_NAME = "mesos-bridge";

/** An address of the app's own, which a bridge gives as well; any other network with a name is none that agents can join. */
function readIpAddress(at: At): Network | undefined {
  const field = readObject(at, 'an object such as {"networkName": "…"}', IP_ADDRESS_FIELDS);
  if (field === undefined) return undefined;
  const nameAt = field("networkName");
  const name = readText(nameAt);
  if (!isGiven(nameAt)) return refuseCannot(at, "give an app its own network address");
  if (name !== BRIDGE_NAME) return name === undefined ? undefined : refuseCannot(nameAt, "join networks by name");
  warn(at, 'understood as "networks": [{"mode": "container/bridge"}]');
  if (!asksNothing(field("discovery"))) refuse(field("discovery"), "write its ports as container.portMappings");
  for (const each of ["labels", "groups"].map(field))
    if (!asksNothing(each)) warn(each, "ignored: only networks with names have them");
  return "bridge";
}
const IP_ADDRESS_FIELDS = ["networkName", "groups", "labels", "discovery"];

function readOldNetwork(at: At): Network | undefined {
  const mode = readOneOf(at, OLD_MODES);
  if (mode === "USER") return refuseCannot(at, "join networks by name");
  return mode === undefined ? undefined : OF_OLD_MODE[mode];
}

function readNetworks(at: At): Network | undefined {
  const items = readList(at, 'a list such as [{"mode": "container/bridge"}]') ?? [];
  if (items.length > 1) refuse(at, `expected one network, got ${items.length}`);
  const [first] = items.map(readOne);
  return first;
}

function readOne(at: At): Network | undefined {
  const field = readObject(at, 'an object such as {"mode": "host"}', ["mode", "name", "labels"]);
  if (field === undefined) return undefined;
  const mode = readOneOf(field("mode"), MODES);
  // Without a mode Marathon takes a network to be one of those that have names.
  if (mode === "container" || !isGiven(field("mode"))) return refuseCannot(at, "join networks by name");
  if (!asksNothing(field("labels"))) warn(field("labels"), "ignored: only networks with names have labels");
  const name = readText(field("name")) ?? "";
  if (mode === undefined) return undefined;
  if (name !== "") refuse(field("name"), `a network of mode "${mode}" has no name`);
  if (mode === "bridge") warn(field("mode"), 'the text "bridge" was understood as "container/bridge"');
  return mode === "container/bridge" ? "bridge" : mode;
}
