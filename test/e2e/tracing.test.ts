/** One trace from the request to the running task, across processes, as a real OTLP receiver sees it. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { connectNats, type Nats } from "@muster/runtime";
import { type OtlpReceiver, type ReceivedSpan, startOtlpReceiver, until } from "@muster/testkit";
import { headers } from "@nats-io/transport-node";
import { type ProcessCluster, startProcesses } from "../support/processes.ts";

let receiver: OtlpReceiver;
let cluster: ProcessCluster;
let nats: Nats;

before(async () => {
  receiver = await startOtlpReceiver();
  cluster = await startProcesses({
    otlp: receiver.endpoint,
    agents: [{ id: "n1", flags: ["--resources=ports:[35000-35099]", "--stop-tasks-on-exit"] }],
  });
  nats = await connectNats({ url: cluster.server.url }, { name: "tracing test" });
});
after(async () => {
  await nats.connection.close();
  await cluster.services.get("agent-n1")?.terminate();
  await cluster.stop();
  await receiver.stop();
});

const TRACE = (digit: string) => ({
  traceId: digit.repeat(32),
  traceparent: `00-${digit.repeat(32)}-00000000000000ab-01`,
});

/** The services in the chain of parents from a span up to the root. */
function chain(spans: readonly ReceivedSpan[], from: ReceivedSpan): string[] {
  const byId = new Map(spans.map((span) => [span.spanId, span]));
  const services: string[] = [];
  for (let span: ReceivedSpan | undefined = from; span !== undefined; span = byId.get(span.parentId ?? ""))
    services.unshift(`${span.service}: ${span.name}`);
  return services;
}

async function assertWholeTrace(traceId: string): Promise<void> {
  const launched = await until(
    () => receiver.spans(traceId).find((span) => span.service === "muster-agent" && span.name.startsWith("launch")),
    {
      withinMs: 20_000,
      what: () =>
        `a launch span in ${JSON.stringify(receiver.spans(traceId).map((span) => `${span.service}: ${span.name}`))}`,
    },
  );
  // Each process sends its spans when it comes to it.
  const services = () => [...new Set(chain(receiver.spans(traceId), launched).map((link) => link.split(":")[0]))];
  const wanted = ["muster-gateway", "muster-placement", "muster-agent"];
  await until(() => services().length >= wanted.length, {
    withinMs: 20_000,
    what: () => `${wanted.join(" > ")}, not ${chain(receiver.spans(traceId), launched).join(" > ")}`,
  });
  const spans = receiver.spans(traceId);
  assert.deepEqual(services(), wanted, chain(spans, launched).join(" > "));
  assert.ok(chain(spans, launched).includes("muster-gateway: deploy"), "the step that wished for it is in between");
  const root = spans.filter((span) => !spans.some((other) => other.spanId === span.parentId));
  assert.ok(
    root.every((span) => span.parentId === "00000000000000ab"),
    `all follow from the caller's span: ${JSON.stringify(root)}`,
  );
  assert.equal(spans.filter((span) => span.isError).length, 0);
}

test("a POST's trace reaches through gateway, placement and agent to the running task", {
  timeout: 60_000,
}, async () => {
  const { traceId, traceparent } = TRACE("a");
  const answer = await fetch(`${cluster.http}/v2/apps`, {
    method: "POST",
    headers: { traceparent },
    body: JSON.stringify({ id: "/traced", cmd: "exec sleep 600", cpus: 0.1, mem: 16 }),
  });
  assert.equal(answer.status, 201);
  assert.equal(answer.headers.get("x-muster-trace"), traceId);
  await assertWholeTrace(traceId);
});

test("a published spec's trace is continued from its message's header, and its events carry it", {
  timeout: 60_000,
}, async () => {
  const { traceId, traceparent } = TRACE("b");
  const seen: string[] = [];
  nats.connection.subscribe("muster.events.task.published.>", {
    callback: (_error, message) => void seen.push(message.headers?.get("traceparent") ?? ""),
  });
  const all = headers();
  all.set("traceparent", traceparent);
  await nats.js.publish(
    "muster.submit.app",
    JSON.stringify({ id: "/published", cmd: "exec sleep 600", cpus: 0.1, mem: 16 }),
    { headers: all },
  );
  await assertWholeTrace(traceId);
  await until(() => seen.length > 0, { what: "task events" });
  assert.ok(seen.every((header) => header.split("-")[1] === traceId));
});
