/**
 * An agent: first the host side, which needs no NATS and takes up what still runs; then the channel to the control
 * plane, however long it takes to come about.
 */
import { RUNTIMES, type RuntimeName } from "@muster/contracts";
import { createLog, openTelemetry } from "@muster/runtime";
import { openChannel } from "./channel/channel.ts";
import { openHost } from "./host.ts";
import { followImages } from "./images.ts";
import { STOP_FLUSH_MS } from "./limits.ts";
import { reportOf, supplyOf } from "./report.ts";
import type { AgentConfig } from "./settings.ts";
import { AgentStop } from "./stop.ts";
import { within } from "./within.ts";

export type Agent = {
  /** Resolves when the cluster knows this agent. */
  readonly registered: Promise<void>;
  /** Resolves with the reason when the agent stops by itself; its tasks are left alone then. */
  readonly stoppedItself: Promise<Error>;
  /** By default tasks stay, to be found by the next start; `stopTasksOnExit` decides when not told. */
  stop(options?: { keepTasks?: boolean }): Promise<void>;
};

/** No task may hold its agent's end back for longer than the process is given to stop. */
const STOP_GRACE_MS_MAX = 7_000;

/** @throws AgentStop when the host cannot be used, with a sentence that says why */
export async function startAgent(config: AgentConfig): Promise<Agent> {
  const log = createLog("agent");
  const telemetry = await openTelemetry({ otlp: config.otlp });
  const host = await openHost(config, { telemetry, log });
  const supply = supplyOf(config);
  const startedAtMs = Date.now();
  const itself = Promise.withResolvers<Error>();

  let usable: readonly RuntimeName[] = host.usable;
  const images = await followImages({ look: host.lookForImages, onChange: () => channel.refresh() });
  host.onPulled = images.look;
  const report = () =>
    reportOf(config, host.identity, supply, {
      startedAtMs,
      runtimes: usable,
      images: images.names,
      inventory: host.supervisor.inventory(),
    });

  let ending: Promise<void> | null = null;
  const end = async (keepTasks: boolean): Promise<void> => {
    clearInterval(engineTimer);
    images.stop();
    if (!keepTasks) await within(STOP_GRACE_MS_MAX + 500, host.supervisor.endAll(STOP_GRACE_MS_MAX));
    await channel.close(STOP_FLUSH_MS);
    await host.close();
    await telemetry.stop();
  };
  const stop = (keepTasks: boolean): Promise<void> => {
    ending ??= end(keepTasks);
    return ending;
  };

  const channel = openChannel(config, {
    ...host,
    report,
    log,
    onFatal(cause) {
      log.error(cause.message);
      itself.resolve(cause);
      void stop(true);
    },
  });

  const engineTimer = setInterval(async () => {
    const now = await host.lookForRuntimes();
    if (RUNTIMES.every((name) => now.includes(name) === usable.includes(name))) return;
    log.info({ before: usable, now }, "the ways of running tasks have changed");
    usable = now;
    images.look();
    channel.refresh();
  }, config.dockerCheckMs).unref();

  return {
    registered: channel.registered,
    stoppedItself: itself.promise,
    stop: ({ keepTasks = !config.stopTasksOnExit } = {}) => stop(keepTasks),
  };
}

export { AgentStop };
