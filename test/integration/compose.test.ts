/** infra/compose.yaml against the repository: nothing in it is misspelled, missing or out of date. */
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parseAttributes, parseResources } from "@muster/contracts";
import { parse } from "yaml";
import { type ComposeService, programOf, publishedPort, ROOT, readCompose, volumeOf } from "./infra/compose.ts";
import { startNatsOn } from "./infra/nats.ts";
import { readAs, settableOf } from "./infra/settings.ts";

const compose = readCompose();
const read = (path: string): string => readFileSync(join(ROOT, path), "utf8");
const manifest = JSON.parse(read("package.json")) as { version: string };

const service = (name: string): ComposeService => {
  const found = compose.services.get(name);
  assert.ok(found, `infra/compose.yaml has no ${name}`);
  return found;
};
const ours = [...compose.services].flatMap(([name, each]) => {
  const program = programOf(each);
  return program === null ? [] : [{ name, program, ...each }];
});
const agents = ours.filter(({ program }) => program === "agent");
const published = (name: string) => service(name).ports.map(publishedPort);

test("compose runs every service, and two agents", () => {
  // Standalone is all of them in one process.
  const programs = readdirSync(join(ROOT, "services"))
    .filter((name) => existsSync(join(ROOT, "services", name, "src/main.ts")))
    .filter((name) => name !== "standalone");
  assert.ok(programs.length >= 6, `saw only ${programs.join(", ")}`);
  assert.deepEqual([...new Set(ours.map(({ program }) => program))].sort(), programs.sort());
  assert.equal(agents.length, 2);
  for (const name of ["nats", "jaeger", "prometheus"]) service(name);
});

test("every flag and variable is a setting of its service, with a value that the service takes", async () => {
  await Promise.all(ours.map(({ program }) => settableOf(program)));
  for (const { name, program, command, environment } of ours) {
    const [main, ...flags] = command;
    assert.ok(existsSync(join(ROOT, main as string)), `${name} runs ${main}, which is not there`);
    const settable = await settableOf(program);
    for (const variable of Object.keys(environment))
      assert.ok(settable.variables.has(variable), `${name} sets ${variable}, which ${program} does not read`);
    for (const flag of flags.filter((word) => word.startsWith("--")))
      assert.ok(settable.flags.has(flag.slice(2).split("=")[0] as string), `${name}: ${program} has no ${flag}`);
    readAs(program, flags, environment);
  }
});

test("images are pinned, and ours carries the version of package.json", () => {
  for (const [name, { image, build }] of compose.services) {
    assert.match(image, /^[\w./-]+:v?\d+[\w.-]*$/, `${name}: ${image} names no version`);
    if (build === undefined) continue;
    assert.equal(image, `muster:${manifest.version}`);
    assert.equal(build.args.VERSION, manifest.version);
    assert.ok(existsSync(join(ROOT, "infra", build.context, build.dockerfile)), `${build.dockerfile} is not there`);
    const dockerfile = read(build.dockerfile);
    assert.match(dockerfile, new RegExp(`^ARG BASE=${build.args.BASE}$`, "m"));
    for (const name of Object.keys(build.args)) assert.match(dockerfile, new RegExp(`^ARG ${name}\\b`, "m"));
  }
  for (const { name, build } of ours) assert.ok(build, `${name} cannot be built`);
});

test("only the loopback of the machine is published, each port once", () => {
  const all = [...compose.services.keys()].flatMap(published);
  assert.deepEqual([...new Set(all.map(({ address }) => address))], ["127.0.0.1"]);
  assert.equal(new Set(all.map(({ host }) => host)).size, all.length);
  for (const { name, ports } of agents) assert.deepEqual(ports, [], `${name} is on the host's network already`);
  const readme = read("infra/README.md");
  for (const { host } of all) assert.match(readme, new RegExp(`127\\.0\\.0\\.1:${host}\\b`), `README lacks ${host}`);
});

test("the gateway's port and probe are those that it listens on", () => {
  const { command, environment, healthcheck } = service("gateway");
  const { httpHost, httpPort } = readAs("gateway", command.slice(1), environment) as Record<string, unknown>;
  assert.equal(httpHost, "0.0.0.0", "a gateway on its container's loopback cannot be published");
  assert.deepEqual(
    published("gateway").map(({ container }) => container),
    [httpPort],
  );
  assert.match(healthcheck?.test.at(-1) ?? "", new RegExp(`http://127\\.0\\.0\\.1:${httpPort}/readyz`));
});

test("addresses lead to where somebody listens, seen from each container's network", () => {
  const listening = { NATS_URL: "nats", OTEL_EXPORTER_OTLP_ENDPOINT: "jaeger" } as const;
  for (const { name, environment, network_mode } of ours) {
    for (const [variable, target] of Object.entries(listening)) {
      const { hostname, port } = new URL(environment[variable] ?? assert.fail(`${name} lacks ${variable}`));
      const doors = published(target).map(({ host, container }) => (network_mode === "host" ? host : container));
      assert.equal(hostname, network_mode === "host" ? "127.0.0.1" : target, `${name} asks ${hostname}`);
      assert.ok(doors.includes(Number(port)), `${name} asks port ${port} of ${target}, which has ${doors.join(", ")}`);
    }
  }
});

test("two agents share a machine without getting into each other's way", () => {
  const unique = (what: string, values: readonly (string | undefined)[]) => {
    assert.equal(new Set(values).size, agents.length, `${what}: ${values.join(", ")}`);
    assert.ok(!values.includes(undefined), `an agent has no ${what}`);
  };
  unique(
    "id",
    agents.map(({ environment }) => environment.MUSTER_AGENT_ID),
  );
  unique(
    "hostname",
    agents.map(({ environment }) => environment.MUSTER_HOSTNAME),
  );
  unique(
    "rack",
    agents.map(({ environment }) => JSON.stringify(parseAttributes(environment.MUSTER_ATTRIBUTES ?? "").rack)),
  );
  const offers = agents.map(({ environment }) => parseResources(environment.MUSTER_RESOURCES ?? ""));
  for (const { resources } of offers) assert.deepEqual(Object.keys(resources), ["cpuMillis", "memoryMib", "diskMib"]);
  const ports = offers.flatMap(({ ports }) => ports ?? []).toSorted((a, b) => a.first - b.first);
  assert.equal(ports.length, agents.length);
  ports.reduce((before, after) => {
    assert.ok(before.last < after.first, `${before.first}-${before.last} and ${after.first}-${after.last} overlap`);
    return after;
  });
  for (const { name, command, environment, volumes, user } of agents) {
    const config = readAs("agent", command.slice(1), environment) as Record<string, unknown>;
    const targets = volumes.map((volume) => volumeOf(volume).target);
    assert.equal(user, "0:0", `${name} cannot use the engine's socket`);
    assert.deepEqual(targets, ["/var/run/docker.sock", "/var/lib/muster/agent"], `${name} would forget its tasks`);
    assert.deepEqual(config.runtimes, ["docker"], `processes that ${name} starts would end with its container`);
  }
  unique(
    "work directory",
    agents.map(({ volumes }) => volumes.find((volume) => !volumeOf(volume).isPath)),
  );
});

test("volumes are declared and used, and mounted files exist", () => {
  const all = [...compose.services.values()].flatMap(({ volumes }) => volumes.map(volumeOf));
  const named = all.filter(({ isPath }) => !isPath).map(({ source }) => source);
  assert.deepEqual(named.sort(), [...compose.volumes].sort());
  for (const { source } of all.filter(({ source }) => source.startsWith("./")))
    assert.ok(existsSync(join(ROOT, "infra", source)), `${source} is mounted and is not there`);
});

test("whoever is waited for can say that it is healthy", () => {
  for (const [name, { depends_on }] of compose.services)
    for (const other of Object.keys(depends_on)) assert.ok(service(other).healthcheck, `${name} waits for ${other}`);
  for (const { name, depends_on } of ours) assert.ok("nats" in depends_on, `${name} starts before its nats-server`);
});

test("programs of ours run without rights that they do not need", () => {
  for (const { name, program, user, read_only, cap_drop, cap_add, security_opt } of ours) {
    const expected = program === "agent" ? { user: "0:0", cap_add: ["KILL"] } : { user: undefined, cap_add: [] };
    assert.deepEqual({ user, cap_add }, expected, name);
    assert.deepEqual([read_only, cap_drop, security_opt], [true, ["ALL"], ["no-new-privileges:true"]], name);
  }
  assert.match(read("infra/docker/Dockerfile"), /^USER 1000:1000$/m);
});

test("prometheus reads the file that is mounted, and scrapes services that are there", () => {
  const { command, volumes } = service("prometheus");
  const [config] = volumes.map(volumeOf).filter(({ isPath }) => isPath);
  assert.ok(command.includes(`--config.file=${config?.target}`), `it is not told to read ${config?.target}`);
  type Job = { job_name: string; static_configs: { targets: string[] }[] };
  const { scrape_configs: jobs } = parse(read(join("infra", config?.source ?? ""))) as { scrape_configs: Job[] };
  const targets = jobs.flatMap((job) => job.static_configs.flatMap((each) => each.targets));
  assert.ok(targets.length >= 2, `it scrapes only ${targets.join(", ")}`);
  for (const target of targets) {
    const [host = "", port] = target.split(":");
    if (host === "localhost") assert.ok(published("prometheus").some(({ container }) => container === Number(port)));
    else service(host);
  }
  const exporter = service("nats-exporter").command.at(-1) ?? "";
  assert.equal(new URL(exporter).hostname, "nats");
});

test("nats-server takes infra/nats/nats.conf, and then keeps what it acknowledges", async () => {
  const { command, volumes, healthcheck } = service("nats");
  const [config, data] = ["./nats/nats.conf", "nats"].map((source) =>
    volumes.map(volumeOf).find((volume) => volume.source === source),
  );
  assert.deepEqual(command, ["nats-server", "--config", config?.target]);
  const { port, pathname } = new URL(healthcheck?.test.at(-1) ?? "");
  assert.equal(new URL(service("nats-exporter").command.at(-1) ?? "").port, port);
  const [door] = published("nats");
  const server = await startNatsOn(read("infra/nats/nats.conf"), {
    store: data?.target ?? "a store outside the volume would end with its container",
    listen: `0.0.0.0:${door?.container}`,
    http: `0.0.0.0:${port}`,
  });
  try {
    assert.equal(server.varz.jetstream.config.sync_always, true);
    assert.equal(server.varz.max_payload, 8 * 1024 * 1024);
    assert.equal((await fetch(`${server.monitoring}${pathname}`)).status, 200, `${pathname} says that it is ill`);
  } finally {
    await server.stop();
  }
});
