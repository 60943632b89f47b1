/** Streams that should be there, work queues and how far behind they are. */
import { type ConsumerSpec, consumerSpecs, streamSpecs } from "@muster/contracts";
import type { Nats } from "@muster/runtime";
import { bytes, plural } from "@muster/terminal/units";
import { pad } from "@muster/terminal/width";
import { type Check, fail, ok, warn } from "./check.ts";

const BACKLOG_MAX = 1_000;
const START = 'start Muster with "muster up" or any of its services: they create what is missing';
export const NO_STREAMS = "none of Muster's are on this server";

export async function checkStreams({ jsm }: Nats): Promise<Check> {
  const names = streamSpecs(1).map(({ name }) => name);
  const infos = await Promise.all(names.map((name) => jsm.streams.info(name).catch(() => null)));
  const missing = names.filter((_, i) => infos[i] === null);
  const width = Math.max(...names.map((name) => name.length));
  const details = infos.flatMap((info) =>
    info === null
      ? []
      : [
          `${pad(info.config.name, width)}  ${pad(info.state.messages.toLocaleString("en"), 9, "right")} messages  ${bytes(info.state.bytes)}`,
        ],
  );
  if (missing.length === 0) return ok("streams", `all ${names.length} are there`, { details });
  if (missing.length === names.length) return fail("streams", NO_STREAMS, { advice: START });
  return fail("streams", `missing: ${missing.join(", ")}`, {
    advice: START,
    details,
  });
}

export async function checkQueues({ jsm }: Nats): Promise<Check[]> {
  const checks = await Promise.all(
    consumerSpecs.map(async (spec) => {
      const info = await jsm.consumers.info(spec.stream, spec.durable).catch(() => null);
      if (info === null)
        return fail(nameOf(spec), "this work queue has no consumer", {
          advice: "start any Muster service: it creates it",
        });
      const { num_pending: pending, num_ack_pending: inHand, num_redelivered: again } = info;
      const found = `${plural(pending, "message")} pending, ${inHand} in hand, ${again} redelivered`;
      if (pending > BACKLOG_MAX)
        return warn(nameOf(spec), found, { advice: "its workers do not keep up: start more, or see what slows them" });
      if (again > 0)
        return warn(nameOf(spec), found, { advice: "a worker crashed or was slow over these: see its log" });
      return ok(nameOf(spec), found);
    }),
  );
  if (checks.some(({ level }) => level !== "ok")) return checks;
  return [
    ok("work queues", "all are kept up with", {
      details: checks.map(({ name, found }) => `${pad(name.replace(/^queue /, ""), 18)}  ${found}`),
    }),
  ];
}

const nameOf = ({ durable }: ConsumerSpec): string => `queue ${durable}`;
