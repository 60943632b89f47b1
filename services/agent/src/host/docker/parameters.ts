/** The `docker run` options that a spec may pass as parameters. Others are refused by name: silence would be a lie. */
import type { ContainerCreateOptions, HostConfig } from "dockerode";
import { LaunchError } from "../runtime.ts";

/** What parameters add to a container's options. */
export type Extras = Pick<ContainerCreateOptions, "Hostname" | "WorkingDir" | "Entrypoint" | "User"> & {
  env: string[];
  labels: Record<string, string>;
  host: HostConfig;
};

const list = <T>(more: T, before: readonly T[] | undefined): T[] => [...(before ?? []), more];
const isOn = (value: string): boolean => value === "" || value === "true";

function pair(key: string, value: string): [string, string] {
  const at = value.indexOf("=");
  if (at < 1)
    throw new LaunchError("unsupported-parameter", `the docker parameter ${key} wants NAME=VALUE, not "${value}"`);
  return [value.slice(0, at), value.slice(at + 1)];
}

const PARAMETERS: Record<string, (extras: Extras, value: string) => void> = {
  env: (extras, value) => extras.env.push(pair("env", value).join("=")),
  label: (extras, value) => {
    const [name, text] = pair("label", value);
    extras.labels[name] = text;
  },
  hostname: (extras, value) => {
    extras.Hostname = value;
  },
  workdir: (extras, value) => {
    extras.WorkingDir = value;
  },
  entrypoint: (extras, value) => {
    extras.Entrypoint = [value];
  },
  user: (extras, value) => {
    extras.User = value;
  },
  init: (extras, value) => {
    extras.host.Init = isOn(value);
  },
  "read-only": (extras, value) => {
    extras.host.ReadonlyRootfs = isOn(value);
  },
  "add-host": (extras, value) => {
    extras.host.ExtraHosts = list(value, extras.host.ExtraHosts);
  },
  dns: (extras, value) => {
    extras.host.Dns = list(value, extras.host.Dns);
  },
  "cap-drop": (extras, value) => {
    extras.host.CapDrop = list(value, extras.host.CapDrop as string[] | undefined);
  },
  tmpfs: (extras, value) => {
    const at = value.indexOf(":");
    const [path, options] = at === -1 ? [value, ""] : [value.slice(0, at), value.slice(at + 1)];
    extras.host.Tmpfs = { ...(extras.host.Tmpfs as Record<string, string> | undefined), [path]: options };
  },
};

export const PARAMETER_NAMES = Object.keys(PARAMETERS);

/** @throws LaunchError unsupported-parameter */
export function readParameters(parameters: readonly { key: string; value: string }[]): Extras {
  const extras: Extras = { env: [], labels: {}, host: {} };
  for (const { key, value } of parameters) {
    const apply = PARAMETERS[key];
    if (apply === undefined || !Object.hasOwn(PARAMETERS, key))
      throw new LaunchError(
        "unsupported-parameter",
        `the docker parameter ${key} is not supported; supported are ${PARAMETER_NAMES.join(", ")}`,
      );
    apply(extras, value);
  }
  return extras;
}
