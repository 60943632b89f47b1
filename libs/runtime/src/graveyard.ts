/** Parks messages that nobody can handle in MUSTER_DEAD, each with its error, so that the line goes on. */
import { STREAM, subjects } from "@muster/contracts";
import { headers } from "@nats-io/transport-node";
import type { Nats } from "./connect.ts";
import { createLog } from "./log.ts";

export type DeadMessage = {
  readonly stream: string;
  readonly consumer: string;
  readonly sequence: number;
  readonly subject: string;
  readonly error: string;
  readonly body: Uint8Array;
};

export type Graveyard = { bury(message: DeadMessage): Promise<boolean> };

const BODY_KEPT_BYTES = 64 * 1024;
const log = createLog("graveyard");

/** Parking the same message twice stores it once. */
export const graveyard = (nats: Nats): Graveyard => ({
  async bury(message) {
    const all = headers();
    all.set("Muster-Stream", message.stream);
    all.set("Muster-Consumer", message.consumer);
    all.set("Muster-Sequence", String(message.sequence));
    all.set("Muster-Subject", message.subject.replaceAll(/\s/g, " "));
    all.set("Muster-Error", message.error.replaceAll(/\s+/g, " ").slice(0, 1_000));
    try {
      await nats.js.publish(
        subjects.dead(message.stream, message.consumer),
        message.body.subarray(0, BODY_KEPT_BYTES),
        {
          msgID: `${message.stream}.${message.sequence}.${message.consumer}`,
          headers: all,
          expect: { streamName: STREAM.dead },
        },
      );
      log.warn({ ...message, body: undefined }, "a message was parked in MUSTER_DEAD");
      return true;
    } catch (cause) {
      log.error({ subject: message.subject, error: (cause as Error).message }, "cannot park a message");
      return false;
    }
  },
});
