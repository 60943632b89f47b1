/** Wake-ups on a real nats-server. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { HEADER, STREAM, subjects } from "@muster/contracts";
import { type NatsServer, startNatsServer } from "@muster/testkit";
import { connectNats, type Nats } from "./connect.ts";
import { type WakeUp, wakeAll } from "./perform.ts";
import { provision } from "./provision.ts";

let server: NatsServer;
let nats: Nats;
before(async () => {
  server = await startNatsServer();
  nats = await connectNats({ url: server.url }, { name: "perform test" });
  await provision(nats);
});
after(async () => {
  await nats.connection.close();
  await server.stop();
});

const wake = (app: string, revision: number): WakeUp => ({
  wakeClass: "normal",
  app,
  revisions: { [HEADER.revision]: String(revision) },
  trace: null,
});
const stored = () => nats.jsm.streams.info(STREAM.queue);
const revisionOf = async (app: string) =>
  (await nats.jsm.streams.getMessage(STREAM.queue, { last_by_subj: subjects.wake("normal", app) }))?.header.get(
    HEADER.revision,
  );

test("many apps are woken at once, each with its revision; an app named twice by its newer one", async () => {
  const wakes = Array.from({ length: 1_200 }, (_, i) => wake(`/app-${i}`, i + 1));
  await wakeAll(nats, [...wakes.slice(0, 500), wake("/app-7", 9_999), ...wakes.slice(500)]);
  assert.equal((await stored()).state.messages, 1_200);
  assert.equal(await revisionOf("/app-7"), "9999");
  assert.equal(await revisionOf("/app-1199"), "1200");
});

test("waking again replaces what waits, and waking nobody is fine", async () => {
  await wakeAll(nats, [wake("/app-7", 10_000), wake("/app-8", 10_001)]);
  await wakeAll(nats, [wake("/app-9", 10_002)]);
  await wakeAll(nats, []);
  assert.equal((await stored()).state.messages, 1_200);
  assert.deepEqual(
    [await revisionOf("/app-7"), await revisionOf("/app-8"), await revisionOf("/app-9")],
    ["10000", "10001", "10002"],
  );
});
