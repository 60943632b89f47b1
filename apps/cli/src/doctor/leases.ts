/** Who is alive when no gateway can be asked: the leases themselves. */
import { bucketStream, LEASES_BUCKET, LeaseSchema } from "@muster/contracts";
import type { Nats } from "@muster/runtime";

export async function livingServices({
  jsm,
}: Nats): Promise<{ service: string; process: string; startedAtMs: number }[]> {
  const stream = bucketStream(LEASES_BUCKET);
  const info = await jsm.streams.info(stream, { subjects_filter: ">" });
  const messages = await Promise.all(
    Object.keys(info.state.subjects ?? {}).map((subject) => jsm.direct.getMessage(stream, { last_by_subj: subject })),
  );
  return messages.flatMap((message) => {
    if (message === null || message.data.length === 0) return [];
    const { process, services, startedAtMs } = LeaseSchema.parse(message.json());
    return services.map((service) => ({ service, process, startedAtMs }));
  });
}
