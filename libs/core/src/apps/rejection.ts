/** What is told of a published spec that was refused: the same list of problems that HTTP answers. */
import { type Decision, type MusterError, NO_DECISION } from "@muster/contracts";

export type Refused = {
  /** Its sequence in the submit stream: the event's subject and id, so that a second run tells the same event. */
  readonly sequence: number;
  readonly messageId: string | null;
  readonly subject: string;
  readonly error: MusterError;
  readonly trace: string | null;
};

export function rejection({ sequence, messageId, subject, error, trace }: Refused): Decision {
  const { status, code, message } = error;
  const problems = error.problems.map((problem) => ({ ...problem }));
  const data = { sequence, messageId, subject, status, code, message, problems };
  const id = String(sequence);
  return { ...NO_DECISION, events: [{ type: "muster.submit.rejected", subject: id, id, data }], trace };
}
