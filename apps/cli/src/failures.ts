/** Collects the last output of instances that fail while one waits, so that the cause is on the screen. */
import { readLogs } from "@muster/client";
import type { DeploymentProgress, InstanceView } from "@muster/contracts";
import { isOfVersion } from "@muster/contracts/course";
import { endedUnasked, outputOf, whyNot } from "@muster/terminal/instances";
import type { Screen } from "@muster/terminal/screen";
import { clean } from "@muster/terminal/width";
import type { Session } from "./session.ts";

const LINES_LIVE_MAX = 5;
const LINES_MAX = 20;
/** The first failures tell the cause; hundreds of the same would only hide it. */
const INSTANCES_MAX = 3;

export class Failures {
  readonly #session: Session;
  readonly #output = new Map<string, { instance: InstanceView; lines: readonly string[] }>();
  readonly #reading = new Set<Promise<void>>();

  constructor(session: Session) {
    this.#session = session;
  }

  see({ instances, targets }: DeploymentProgress): void {
    const versions = new Map(targets.map(({ app, version }) => [app, version]));
    for (const instance of instances) {
      const version = versions.get(instance.app);
      if (version === undefined || !endedUnasked(instance) || !isOfVersion(instance, version)) continue;
      if (this.#output.has(instance.id) || this.#output.size >= INSTANCES_MAX) continue;
      const sent = outputOf(instance);
      this.#output.set(instance.id, { instance, lines: sent });
      if (sent.length > 0) continue;
      const reading = this.#read(instance).finally(() => this.#reading.delete(reading));
      this.#reading.add(reading);
    }
  }

  /** Waits for output that is still on its way, for a bounded time. */
  async settle(): Promise<void> {
    await Promise.all(this.#reading);
  }

  /** A few lines for the live picture. */
  notes({ paint, glyphs }: Screen): string[] {
    const last = [...this.#output.values()].findLast(({ lines }) => lines.length > 0);
    if (last === undefined) return [];
    return last.lines.slice(-LINES_LIVE_MAX).map((line) => `    ${paint("quiet", `${glyphs.bar} ${clean(line)}`)}`);
  }

  /** All of it, for the end. */
  report({ paint, glyphs }: Screen): string[] {
    // A slot that fails again and again says the same each time: once is enough.
    const kinds = Map.groupBy(this.#output.values(), ({ instance }) => `${instance.reason} ${instance.exitCode}`);
    return [...kinds.values()].flatMap((alike) => {
      const { instance, lines } = alike.reduce((best, one) => (one.lines.length >= best.lines.length ? one : best));
      const where = instance.agent === null ? "" : ` on ${instance.agent}`;
      const head = `  ${paint("bad", glyphs.bad)} ${instance.id}${where}: ${whyNot(instance) || instance.state}`;
      return [head, ...lines.slice(-LINES_MAX).map((line) => `    ${paint("quiet", glyphs.bar)} ${clean(line)}`)];
    });
  }

  async #read(instance: InstanceView): Promise<void> {
    const { client, nats } = this.#session;
    const request = {
      app: null,
      instance: instance.id,
      streams: ["stdout", "stderr"] as ("stdout" | "stderr")[],
      tail: 10,
      follow: false,
    };
    const lines: string[] = [];
    try {
      for await (const { text } of readLogs(client, nats, request)) lines.push(...text.replace(/\n$/, "").split("\n"));
    } catch {
      // Output is an extra: without it the reason still stands.
    }
    this.#output.set(instance.id, { instance, lines: lines.filter((line) => line.trim() !== "") });
  }
}
