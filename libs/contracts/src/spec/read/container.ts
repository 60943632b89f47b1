/** The container: its image and how docker runs it. Networks and ports, which stood here of old, are read beside it. */
import type { Container } from "../app.ts";
import {
  type At,
  type Fields,
  isGiven,
  noFields,
  readBoolean,
  readList,
  readObject,
  readOneOf,
  readText,
  refuse,
  warn,
} from "./coerce.ts";
import { asksNothing, refuseCannot, refuseUnsupportedContainerFields } from "./unsupported.ts";

const CONTAINER_FIELDS = ["type", "docker", "portMappings", "volumes", "linuxInfo", "appc", "image", "options"];
const DOCKER_FIELDS = [
  "image",
  "network",
  "portMappings",
  "privileged",
  "parameters",
  "forcePullImage",
  "credential",
  "pullConfig",
];

export type ContainerReading = {
  readonly container: Container | null;
  /** True also where the image was refused, so that no other rule tells the same fault again. */
  readonly isImageGiven: boolean;
  readonly portMappings: At;
  /** `container.docker.network` and `container.docker.portMappings`, Marathon's spelling before 1.5. */
  readonly oldNetwork: At;
  readonly oldPortMappings: At;
};

export function readContainer(at: At): ContainerReading {
  const given = readObject(at, "an object", CONTAINER_FIELDS);
  const field = given ?? noFields(at);
  const dockerAt = field("docker");
  const docker = readObject(dockerAt, "an object with an image", DOCKER_FIELDS);
  const dockerField = docker ?? noFields(dockerAt);
  const isMisshapen =
    (given === undefined && isGiven(at)) || (docker === undefined && isGiven(dockerAt)) || refuseOldShape(field);
  refuseUnsupportedContainerFields(field);
  return {
    container: given === undefined || isMisshapen ? null : readParts(field, dockerAt, dockerField),
    isImageGiven: isMisshapen || isGiven(dockerField("image")),
    portMappings: field("portMappings"),
    oldNetwork: dockerField("network"),
    oldPortMappings: dockerField("portMappings"),
  };
}

/** Marathon 0.6 had the image beside the type, before docker had an object of its own. Answers whether it is so here. */
function refuseOldShape(field: Fields): boolean {
  const image = field("image");
  const options = field("options");
  if (isGiven(image)) refuse(image, 'the shape of Marathon 0.6: move it to "docker": {"image": …}');
  if (isGiven(options)) refuse(options, 'the shape of Marathon 0.6: move it to "docker": {"parameters": …}');
  return isGiven(image) || isGiven(options);
}

function readParts(field: Fields, dockerAt: At, docker: Fields): Container {
  const type = readOneOf(field("type"), ["DOCKER", "MESOS"]) ?? "DOCKER";
  const image = readImage(docker("image"), type);
  if (!asksNothing(docker("credential"))) warn(docker("credential"), "ignored: agents log in to registries themselves");
  if (!asksNothing(docker("pullConfig"))) refuseCannot(docker("pullConfig"), "pass on secrets");
  const options = {
    forcePullImage: readBoolean(docker("forcePullImage")) ?? false,
    privileged: readBoolean(docker("privileged")) ?? false,
    parameters: readParameters(docker("parameters")),
  };
  if (isGiven(docker("image"))) return { type, image, ...options, portMappings: [] };
  if (type === "MESOS" && !asksNothing(dockerAt) && !dockerAt.inherited)
    warn(dockerAt, "ignored: there is no image to run");
  return { type, image, forcePullImage: false, privileged: false, parameters: [], portMappings: [] };
}

function readImage(at: At, type: Container["type"]): string | null {
  if (!isGiven(at) && type === "DOCKER") refuse(at, 'expected an image, since the container\'s type is "DOCKER"');
  const image = readText(at) ?? null;
  if (image !== null && !/^\S+$/.test(image)) refuse(at, "expected the name of an image, without spaces");
  return image;
}

function readParameters(at: At): Container["parameters"] {
  const items = readList(at, 'a list of objects such as {"key": "hostname", "value": "a.example"}') ?? [];
  return items.flatMap((item) => {
    const field = readObject(item, "an object with key and value", ["key", "value"]);
    if (field === undefined) return [];
    for (const name of ["key", "value"]) if (!isGiven(field(name))) refuse(field(name), "expected a text, got nothing");
    const key = readText(field("key"));
    const value = readText(field("value"), { isLoose: true });
    return key === undefined || value === undefined ? [] : [{ key, value }];
  });
}
