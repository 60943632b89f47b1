import assert from "node:assert/strict";
import { test } from "node:test";
import type { InstanceDocument, RunDocument } from "@muster/contracts";
import { instanceDocument, orderOf, shell } from "../../testing/documents.ts";
import type { LaunchError, Order } from "../runtime.ts";
import { containerName, containerOptions } from "./container.ts";
import { withTag } from "./images.ts";
import { framesOf } from "./output.ts";
import { readParameters } from "./parameters.ts";

const mine = { agent: "n1", owner: "life", allowPrivileged: true };
const bare = (run: Partial<RunDocument>, more: Partial<InstanceDocument> = {}): Order =>
  orderOf("/work", instanceDocument({ runtime: "docker", image: "an-image:1", ...run }, more));

test("resources become shares and a memory limit, each with its floor", () => {
  const small = containerOptions(bare({}, { resources: { cpuMillis: 1, memoryMib: 4, diskMib: 0, gpus: 0 } }), mine);
  assert.deepEqual([small.HostConfig?.CpuShares, small.HostConfig?.Memory], [2, 32 * 1024 * 1024]);
  const large = containerOptions(
    bare({}, { resources: { cpuMillis: 1_500, memoryMib: 256, diskMib: 0, gpus: 0 } }),
    mine,
  );
  assert.deepEqual([large.HostConfig?.CpuShares, large.HostConfig?.Memory], [1_536, 256 * 1024 * 1024]);
});

for (const { limits, host } of [
  { limits: null, host: { Memory: 64, MemorySwap: 64 } },
  { limits: { cpuMillis: null, memoryMib: 64 }, host: { Memory: 64, MemorySwap: 64 } },
  {
    limits: { cpuMillis: 1_500, memoryMib: 256 },
    host: { Memory: 256, MemorySwap: 256, MemoryReservation: 64, CpuPeriod: 100_000, CpuQuota: 150_000 },
  },
  { limits: { cpuMillis: 1, memoryMib: null }, host: { MemoryReservation: 64, CpuPeriod: 100_000, CpuQuota: 1_000 } },
] as const)
  test(`limits ${JSON.stringify(limits)} beside a request of 64 MiB bind a container as ${JSON.stringify(host)}`, () => {
    const resources = { cpuMillis: 100, memoryMib: 64, diskMib: 0, gpus: 0 };
    const { HostConfig } = containerOptions(bare({ limits }, { resources }), mine);
    const bounds = Object.entries(HostConfig ?? {}).filter(([name]) => /^(Memory|CpuPeriod|CpuQuota)/.test(name));
    const inMib = bounds.map(([name, value]) => [name, name.startsWith("Memory") ? value / 1024 / 1024 : value]);
    assert.deepEqual(Object.fromEntries(inMib), host);
  });

test("a container never restarts by itself, gains no privileges, and is privileged only when asked", () => {
  const { HostConfig: host } = containerOptions(bare({}), mine);
  assert.deepEqual(
    [host?.RestartPolicy, host?.SecurityOpt, host?.Privileged],
    [{ Name: "no" }, ["no-new-privileges"], false],
  );
  assert.equal(containerOptions(bare({ privileged: true }), mine).HostConfig?.Privileged, true);
  const refused = () => containerOptions(bare({ privileged: true }), { ...mine, allowPrivileged: false });
  assert.throws(refused, (error: LaunchError) => error.reason === "privileged-refused");
});

test("a port is opened for the protocol it is mapped for, and bound where the host has one for it", () => {
  const portMaps = [
    { containerPort: 53, hostPort: 31_053, protocol: "udp", name: null },
    { containerPort: 80, hostPort: 31_080, protocol: "tcp", name: null },
    { containerPort: 9_000, hostPort: 0, protocol: "tcp", name: null },
  ] as const;
  const { ExposedPorts, HostConfig } = containerOptions(bare({ network: "bridge", portMaps: [...portMaps] }), mine);
  assert.deepEqual(ExposedPorts, { "53/udp": {}, "80/tcp": {}, "9000/tcp": {} });
  assert.deepEqual(HostConfig?.PortBindings, {
    "53/udp": [{ HostPort: "31053" }],
    "80/tcp": [{ HostPort: "31080" }],
  });
});

test("a shell line replaces the image's entrypoint, arguments are handed to it, nothing keeps the image's own", () => {
  const options = (more: Partial<RunDocument>) => {
    const { Cmd, Entrypoint } = containerOptions(bare(more), mine);
    return { Cmd, Entrypoint };
  };
  assert.deepEqual(options(shell("echo $A")), { Entrypoint: ["/bin/sh", "-c"], Cmd: ["echo $A"] });
  assert.deepEqual(options({ command: { type: "argv", argv: ["a", "b"] } }), {
    Cmd: ["a", "b"],
    Entrypoint: undefined,
  });
  assert.deepEqual(options({ command: null }), { Cmd: undefined, Entrypoint: undefined });
});

test("supported parameters are obeyed, another is refused by name", () => {
  const extras = readParameters([
    { key: "env", value: "A=b=c" },
    { key: "label", value: "x=y" },
    { key: "hostname", value: "h" },
    { key: "workdir", value: "/tmp" },
    { key: "cap-drop", value: "ALL" },
    { key: "dns", value: "1.1.1.1" },
    { key: "dns", value: "2.2.2.2" },
  ]);
  assert.deepEqual(extras.env, ["A=b=c"]);
  assert.deepEqual(extras.labels, { x: "y" });
  assert.deepEqual([extras.Hostname, extras.WorkingDir], ["h", "/tmp"]);
  assert.deepEqual([extras.host.CapDrop, extras.host.Dns], [["ALL"], ["1.1.1.1", "2.2.2.2"]]);
  for (const key of ["volume", "constructor", "__proto__"])
    assert.throws(
      () => readParameters([{ key, value: "/:/host" }]),
      (error: LaunchError) => error.reason === "unsupported-parameter" && error.message.includes(key),
    );
});

test("a name is allowed by the engine, and another directory's or app's instance has another", () => {
  const names = [
    containerName("prod_web=api.0.1", "a"),
    containerName("prod_web=api.0.1", "b"),
    containerName("prod_web-api.0.1", "a"),
  ];
  assert.ok(names.every((name) => /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/.test(name)));
  assert.equal(new Set(names).size, 3);
});

test("an image without a tag is its latest", () => {
  const named = ["nginx", "host:5000/a/b", "nginx:1.2", "host:5000/a:1", "a@sha256:1"].map(withTag);
  assert.deepEqual(named, ["nginx:latest", "host:5000/a/b:latest", "nginx:1.2", "host:5000/a:1", "a@sha256:1"]);
});

test("mixed output is split into its streams wherever it is cut", async () => {
  const frame = (stream: number, text: string) =>
    Buffer.concat([Buffer.from([stream, 0, 0, 0, 0, 0, 0, text.length]), Buffer.from(text)]);
  const bytes = Buffer.concat([frame(1, "out"), frame(2, "err"), frame(1, ""), frame(1, "more")]);
  for (let size = 1; size < bytes.length; size += 1) {
    const chunks = async function* () {
      for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
    };
    const seen = { stdout: "", stderr: "" };
    for await (const { stream, body } of framesOf(chunks())) seen[stream] += body.toString();
    assert.deepEqual(seen, { stdout: "outmore", stderr: "err" }, `cut every ${size}`);
  }
});
