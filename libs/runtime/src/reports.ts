/** Follows what agents say of themselves: the last report of each first, then every new one. */
import { type AgentReport, AgentReportSchema, agentToken, STREAM, subjects } from "@muster/contracts";
import type { Nats } from "./connect.ts";
import type { Graveyard } from "./graveyard.ts";
import { jsonOf } from "./json.ts";
import { createLog } from "./log.ts";
import { StreamTail } from "./tail.ts";

export type ReportsOptions = {
  /** Who follows, for messages that are parked. */
  readonly service: string;
  readonly onReport: (report: AgentReport) => void;
  readonly onCaughtUp?: () => void;
};

export function followReports(
  nats: Nats,
  graveyard: Graveyard,
  { service, onReport, onCaughtUp }: ReportsOptions,
): StreamTail {
  const log = createLog(service);
  return new StreamTail(nats, {
    stream: STREAM.resources,
    filters: [subjects.allResources],
    from: { type: "last-per-subject" },
    onMessage: (message) => {
      const report = AgentReportSchema.safeParse(jsonOf(message.data));
      if (report.success && message.subject === subjects.resources(report.data.agent)) return onReport(report.data);
      const error = report.success
        ? `the report of ${agentToken(report.data.agent)} stands on another agent's subject`
        : report.error.message;
      log.warn({ subject: message.subject, error: error.slice(0, 300) }, "a report that cannot be read is passed over");
      // Parking is idempotent, so it does not matter how many services meet the same message.
      void graveyard.bury({
        stream: STREAM.resources,
        consumer: "reports",
        sequence: message.seq,
        subject: message.subject,
        error,
        body: message.data,
      });
    },
    onCaughtUp: () => onCaughtUp?.(),
  });
}
