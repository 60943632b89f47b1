/** See `spawnHost`. */
import { text } from "node:stream/consumers";
import { until } from "@muster/testkit";
import type { AgentConfig } from "../settings.ts";
import { type Records, startHost } from "./host.ts";

const { workDir, records, more } = JSON.parse(await text(process.stdin)) as {
  workDir: string;
  records: Records;
  more: Partial<AgentConfig>;
};
const host = await startHost(workDir, more);
for (const { sequence, record } of records) host.supervisor.accept(sequence, record);
const last = new Map<string, string>();
await until(
  () => {
    for (const event of host.journal.outbox(10_000)) last.set(event.data.instance, event.data.state);
    return records.every(({ record }) => !["staging", undefined].includes(last.get(record.instance)));
  },
  { withinMs: 60_000 },
);
process.stdout.write("ready\n");
setInterval(() => {}, 1_000);
