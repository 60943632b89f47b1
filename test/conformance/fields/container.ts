/** The container: its image, and how the engine is to run it. */
import {
  NOT_SUPPORTED,
  NOT_TEXT,
  NOT_TRUTH,
  none,
  type Row,
  refused,
  same,
  shown,
  shownIn,
  shows,
  UNSUPPORTED,
} from "./row.ts";

const IMAGE = { container: { docker: { image: "nginx" } } };
const engine = (says: string) => shownIn("services/agent/src/host/docker/container.test.ts", says);

export const container: readonly Row[] = [
  {
    field: "container",
    valid: [
      shows(
        { docker: { image: "nginx" } },
        {
          type: "DOCKER",
          docker: { image: "nginx", privileged: false, parameters: [], forcePullImage: false },
          volumes: [],
        },
      ),
      shows(null, undefined),
    ],
    invalid: [refused("nginx", /expected an object, got the text "nginx"/)],
    effect: shownIn("services/agent/src/host/docker/docker.test.ts", "a container runs, its status is known"),
  },
  {
    field: "container.type",
    within: IMAGE,
    default: "DOCKER",
    valid: [same("MESOS"), shows("docker", "DOCKER", { warns: /understood as "DOCKER"/ })],
    invalid: [refused("LXC", /expected one of "DOCKER", "MESOS"/)],
    effect: shown("a container without an image is a process"),
  },
  {
    field: "container.docker",
    valid: [shows({ image: "redis" }, "redis", { at: "container.docker.image" })],
    invalid: [
      refused("nginx", /expected an object with an image/),
      refused(null, /expected an image, since the container's type is "DOCKER"/, "/container/docker/image"),
    ],
    effect: shownIn("services/agent/src/host/docker/docker.test.ts", "an image's own command runs when none is given"),
  },
  {
    field: "container.docker.image",
    valid: [same("registry.example:5000/a/b:1.2"), same("nginx@sha256:0123")],
    invalid: [refused("a b", /without spaces/), refused("", /without spaces/), NOT_TEXT],
    effect: shownIn("services/agent/src/host/docker/docker.test.ts", "an image that is not here and cannot be pulled"),
  },
  {
    field: "container.docker.forcePullImage",
    within: IMAGE,
    default: false,
    valid: [same(true)],
    invalid: [NOT_TRUTH],
    effect: shownIn(
      "services/agent/src/host/docker/images.test.ts",
      "an image that is here is pulled again only where",
    ),
  },
  {
    field: "container.docker.privileged",
    within: IMAGE,
    default: false,
    valid: [same(true), shows("true", true, { warns: /understood as true/ })],
    invalid: [NOT_TRUTH],
    effect: engine("is privileged only when asked"),
  },
  {
    field: "container.docker.parameters",
    within: IMAGE,
    default: [],
    valid: [same([{ key: "hostname", value: "a.example" }])],
    invalid: [
      refused({ hostname: "a" }, /expected a list of objects such as/),
      refused(["hostname=a"], /expected an object with key and value/, "/container/docker/parameters(0)"),
    ],
    effect: engine("supported parameters are obeyed, another is refused by name"),
  },
  {
    field: "container.docker.parameters[].key",
    within: { container: { docker: { image: "nginx", parameters: [{ value: "5" }] } } },
    valid: [same("cpu-shares")],
    invalid: [refused(null, /expected a text, got nothing/), NOT_TEXT],
    effect: engine("supported parameters are obeyed, another is refused by name"),
  },
  {
    field: "container.docker.parameters[].value",
    within: { container: { docker: { image: "nginx", parameters: [{ key: "cpu-shares" }] } } },
    valid: [same("5"), shows(5, "5", { warns: /the number 5 was understood as the text/ })],
    invalid: [refused(null, /expected a text, got nothing/), refused([], /expected text/)],
    effect: engine("supported parameters are obeyed, another is refused by name"),
  },
  {
    field: "container.docker.credential",
    within: IMAGE,
    valid: [shows({ principal: "a" }, undefined, { warns: /agents log in to registries themselves/ })],
    invalid: [],
    effect: none("long without effect in Marathon too: agents log in to registries themselves"),
  },
  {
    field: "container.docker.pullConfig",
    within: IMAGE,
    valid: [shows({}, undefined)],
    invalid: [refused({ secret: "registry" }, /cannot pass on secrets/)],
    effect: NOT_SUPPORTED,
  },
  {
    field: "container.volumes",
    within: IMAGE,
    default: [],
    valid: [same([])],
    invalid: [
      refused([{ hostPath: "/a", containerPath: "/b", mode: "RO" }], /cannot mount volumes/),
      refused([{ persistent: { size: 10 }, containerPath: "data", mode: "RW" }], UNSUPPORTED),
    ],
    effect: NOT_SUPPORTED,
  },
  {
    field: "container.linuxInfo",
    within: IMAGE,
    valid: [shows({}, undefined)],
    invalid: [refused({ seccomp: { unconfined: true } }, /cannot set Linux security options/)],
    effect: NOT_SUPPORTED,
  },
  {
    field: "container.appc",
    within: IMAGE,
    valid: [shows({}, undefined)],
    invalid: [refused({ image: "a" }, /cannot run AppC images/)],
    effect: NOT_SUPPORTED,
  },
  {
    field: "container.image",
    valid: [],
    invalid: [refused("nginx", /the shape of Marathon 0.6: move it to "docker"/)],
    effect: none("refused with the shape that is meant"),
  },
  {
    field: "container.options",
    within: IMAGE,
    valid: [],
    invalid: [refused(["-p"], /the shape of Marathon 0.6: move it to "docker"/)],
    effect: none("refused with the shape that is meant"),
  },
];
