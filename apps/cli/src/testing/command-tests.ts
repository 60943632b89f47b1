/** What tests of commands stand on: a nats-server for the file; for each test a cluster that is made up and a folder of its own. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, beforeEach } from "node:test";
import { connectNats, type Nats, provision } from "@muster/runtime";
import { type NatsServer, startNatsServer } from "@muster/testkit";
import { FakeCluster } from "../fake-cluster.ts";
import { musterAt } from "./muster.ts";

export type CommandTests = {
  readonly cluster: FakeCluster;
  readonly nats: Nats;
  readonly folder: string;
  /** Runs a command in this process. */
  readonly muster: ReturnType<typeof musterAt>;
  /** Writes a file into the folder; answers its path. */
  file(name: string, text: string): Promise<string>;
};

export function commandTests(): CommandTests {
  let server: NatsServer;
  let nats: Nats;
  let cluster: FakeCluster;
  let folder: string;
  before(async () => {
    server = await startNatsServer();
    nats = await connectNats({ url: server.url }, { name: "test", waitMs: 10_000 });
    await provision(nats, { replicas: 1 });
  });
  after(async () => {
    await nats?.connection.close();
    await server?.stop();
  });
  beforeEach(async () => {
    cluster = new FakeCluster(nats);
    folder = await mkdtemp(join(tmpdir(), "muster-cli-"));
  });
  afterEach(async () => {
    cluster.stop();
    await rm(folder, { recursive: true, force: true });
  });
  return {
    get cluster() {
      return cluster;
    },
    get nats() {
      return nats;
    },
    get folder() {
      return folder;
    },
    muster: (...args) => musterAt(server.url)(...args),
    async file(name, text) {
      const path = join(folder, name);
      await writeFile(path, text);
      return path;
    },
  };
}

/** What was told as lines of JSON. */
export const ndjson = (text: string) =>
  text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
