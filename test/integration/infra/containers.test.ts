/** infra/docker/Dockerfile built, and the services of infra/compose.yaml run from it as containers on this machine. */
import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import { IMAGE as TASK_IMAGE } from "@muster/agent/testing/engine";
import { until } from "@muster/testkit";
import { readCompose } from "./compose.ts";
import { type Containers, openContainers } from "./containers.ts";
import { docker, whyNoContainers } from "./docker.ts";
import { buildMuster, importNats, removeImages } from "./images.ts";

const ID = `muster-compose-test-${process.pid}`;
const LABEL = `muster.test=${ID}`;
const IMAGES = { muster: `${ID}:1`, nats: `${ID}-nats:1` } as const;
const imageOf = (image: string): string => (image.startsWith("nats:") ? IMAGES.nats : IMAGES.muster);
const CONTROL_PLANE = ["offer-broker", "health", "deployer", "placement", "gateway"];

/** Stands in for Jaeger, whose image cannot be had here: answers the names of the services that sent it spans. */
const SPANS = `
const seen = new Set();
require("node:http").createServer((request, response) => {
  let body = "";
  request.on("data", (chunk) => { body += chunk; });
  request.on("end", () => {
    for (const [, name] of body.matchAll(/"service.name","value":{"stringValue":"([^"]+)"/g)) seen.add(name);
    response.end(JSON.stringify([...seen].sort()));
  });
}).listen(4318);`;

const APP = {
  id: `/compose-${process.pid}`,
  instances: 2,
  cpus: 0.1,
  mem: 32,
  cmd: "echo hello >/www/index.html && exec httpd -f -p 80 -h /www",
  container: {
    type: "DOCKER",
    docker: { image: TASK_IMAGE, network: "BRIDGE", portMappings: [{ containerPort: 80, hostPort: 0 }] },
  },
  constraints: [["hostname", "UNIQUE"]],
  healthChecks: [{ protocol: "HTTP", path: "/index.html", delaySeconds: 0, intervalSeconds: 1 }],
};

type Instance = { readonly id: string; readonly ports: readonly number[]; readonly container: string };

/** Packages are fetched once and installed twice, which a slow machine may take its time for. */
const BUILD_WITHIN_MS = 150_000;
const ALL_WITHIN_MS = 300_000;

describe("compose.yaml as containers", { skip: await whyNoContainers(), timeout: ALL_WITHIN_MS }, () => {
  let containers: Containers;
  let http: string;
  const ask = async <T>(path: string): Promise<T> => (await (await fetch(`${http}${path}`)).json()) as T;
  const why = () => ask<{ status: string; healthy: number; summary: string }>(`/v1/why?app=${APP.id}`);
  const instances = async () => (await ask<{ instances: Instance[] }>(`/v1/instances?app=${APP.id}`)).instances;
  const untilHealthy = (count: number) =>
    until(async () => (await why()).status === "running" && (await why()).healthy === count, {
      withinMs: 30_000,
      everyMs: 100,
      what: `${count} healthy instances`,
    });

  before(
    async () => {
      await Promise.all([buildMuster(IMAGES.muster, LABEL), importNats(IMAGES.nats, LABEL)]);
      containers = await openContainers(readCompose(), { id: ID, imageOf });
    },
    { timeout: BUILD_WITHIN_MS },
  );
  afterEach(async (context) => {
    if (!(context as { passed?: boolean }).passed) process.stderr.write(`${await containers.logs()}\n`);
  });
  after(async () => {
    const tasks = await docker(["ps", "--all", "--quiet", "--filter", `name=^/?muster-${APP.id.slice(1)}\\.`]);
    if (tasks !== "") await docker(["rm", "--force", ...tasks.split("\n")]);
    await containers?.remove();
    await removeImages(LABEL);
  });

  test("the image runs as nobody in particular, and holds neither tests nor a second Node", async () => {
    const look = "id -u; find libs services apps -name '*.test.ts' -o -name testing; ls node_modules";
    const found = (await docker(["run", "--rm", "--entrypoint", "sh", IMAGES.muster, "-c", look])).split("\n");
    assert.equal(found[0], "1000");
    assert.ok(found.includes("zod"), "there are no packages in it");
    assert.deepEqual(
      found.filter((line) => line.includes("/") || /^(?:node-linux|typescript)/.test(line)),
      [],
    );
    assert.match(await docker(["run", "--rm", IMAGES.muster]), /muster run/, "without a command it shows the usage");
  });

  test("the control plane comes up, and an app that it is given waits for an agent and says so", async () => {
    await containers.start("nats");
    await containers.startInstead("jaeger", IMAGES.muster, ["-e", SPANS]);
    await Promise.all(CONTROL_PLANE.map((name) => containers.start(name)));
    await containers.untilHealthy("gateway");
    http = `http://127.0.0.1:${await containers.hostPort("gateway", 8080)}`;
    const posted = await fetch(`${http}/v2/apps`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(APP),
    });
    assert.equal(posted.status, 201, await posted.text());
    const { summary } = await until(async () => ((await why()).status === "waiting" ? await why() : null), {
      withinMs: 20_000,
      what: "an app that waits",
    });
    assert.match(summary, /no agent/i);
  });

  test("agents in containers start it beside themselves, one instance each, and see its health", async () => {
    const [nats, jaeger] = [await containers.hostPort("nats", 4222), await containers.hostPort("jaeger", 4318)];
    const moved = {
      NATS_URL: `nats://127.0.0.1:${nats}`,
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${jaeger}`,
    };
    await Promise.all(["agent-1", "agent-2"].map((name) => containers.start(name, moved)));
    await untilHealthy(2);
    for (const { id, ports } of await instances()) {
      const answer = await fetch(`http://127.0.0.1:${ports[0]}/index.html`);
      assert.equal(await answer.text(), "hello\n", id);
    }
    await until(
      async () => {
        const services = (await (await fetch(`http://127.0.0.1:${jaeger}`)).json()) as string[];
        return ["gateway", "deployer", "placement", "agent"].every((name) => services.includes(`muster-${name}`));
      },
      { what: "spans of gateway, deployer, placement and agent" },
    );
  });

  test("a new agent container takes up the tasks of the old one", async () => {
    const before = (await instances()).map(({ id, container }) => ({ id, container }));
    await containers.restart("agent-1");
    await until(
      async () => {
        const { agents } = await ask<{ agents: { id: string; incarnation: number }[] }>("/v1/agents");
        return agents.some(({ id, incarnation }) => id === "agent-1" && incarnation === 2);
      },
      { withinMs: 20_000, what: "agent-1 in its second life" },
    );
    await untilHealthy(2);
    assert.deepEqual(
      (await instances()).map(({ id, container }) => ({ id, container })),
      before,
    );
  });
});
