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
const stateOf = (instance: string): string =>
  host.journal.outbox(10_000).findLast((event) => event.data.instance === instance)?.data.state ?? "staging";
const reach = async (goal: "run" | "stop", passed: string): Promise<void> => {
  const chosen = records.filter(({ record }) => record.goal === goal);
  for (const { sequence, record } of chosen) host.supervisor.accept(sequence, record);
  await until(() => chosen.every(({ record }) => stateOf(record.instance) !== passed), { withinMs: 60_000 });
};
await reach("run", "staging");
await reach("stop", "running");
process.stdout.write("ready\n");
setInterval(() => {}, 1_000);
