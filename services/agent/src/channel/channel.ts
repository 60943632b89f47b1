/** The agent's side of the control plane: registered first, since only the last registered one may act or speak. */
import type { AgentReport } from "@muster/contracts";
import { connectNats, type Log, type Nats, natsAddress } from "@muster/runtime";
import type { Host } from "../host.ts";
import { answerLogs } from "../logs/answer.ts";
import type { AgentConfig } from "../settings.ts";
import { within } from "../within.ts";
import { type FactFlush, factFlush } from "./flush.ts";
import { startHeartbeat } from "./heartbeat.ts";
import { launchChannel } from "./launches.ts";
import { watchLink } from "./link.ts";
import { type Registration, registration } from "./registration.ts";

export type ChannelTools = Pick<Host, "workDir" | "identity" | "self" | "journal" | "supervisor"> & {
  readonly report: () => AgentReport;
  readonly log: Log;
  /** The agent cannot go on: replaced, or a server that will never do. */
  readonly onFatal: (cause: Error) => void;
};

export type Channel = {
  readonly registered: Promise<void>;
  /** Something the report says has changed. */
  refresh(): void;
  /** Sends what waits, for so long at most, and goes. */
  close(flushMs: number): Promise<void>;
};

export function openChannel(config: AgentConfig, tools: ChannelTools): Channel {
  const { log, identity, self, journal, supervisor } = tools;
  const registered = Promise.withResolvers<void>();
  registered.promise.catch(() => {});
  let nats: Nats | null = null;
  let registering: Registration | null = null;
  let flush: FactFlush | null = null;
  let closed = false;
  const stops: (() => void)[] = [];

  const open = async (): Promise<void> => {
    const connected = await connectNats(natsAddress({ url: config.natsUrl ?? undefined }), {
      name: `muster agent ${config.agentId}`,
      waitMs: Number.POSITIVE_INFINITY,
    });
    if (closed) return void (await connected.connection.close());
    nats = connected;
    const link = watchLink(nats.connection, log);
    const own = registration({ nats, link, identity, report: tools.report, log, onReplaced: tools.onFatal });
    registering = own;
    stops.push(own.stop);
    await own.publish();
    if (closed) return;

    const flushing = factFlush({ nats, link, journal, self, log });
    flush = flushing;
    journal.onSendable = flushing.wake;
    flushing.wake();
    const launches = launchChannel({ nats, link, agent: self.agent, supervisor, log });
    stops.push(
      launches.stop,
      answerLogs({ nats, agent: self.agent, workDir: tools.workDir, supervisor, log }),
      startHeartbeat({
        nats,
        agent: self.agent,
        identity,
        everyMs: config.heartbeatMs,
        log,
        state: () => ({ n: launches.n, live: supervisor.tasks.size }),
        onCounted: launches.counted,
        onReplaced: tools.onFatal,
      }),
    );
    link.onReconnect(() => {
      refresh();
      flushing.wake();
      void launches.sync({ jitter: true });
    });
    void launches.sync({ jitter: false });
    registered.resolve();
  };

  const refresh = (): void => void registering?.publish().catch(() => {});

  open().catch((cause: Error) => {
    registered.reject(cause);
    if (!closed) tools.onFatal(cause);
  });

  return {
    registered: registered.promise,
    refresh,
    async close(flushMs) {
      closed = true;
      await flush?.empty(flushMs);
      journal.onSendable = () => {};
      flush?.stop();
      for (const stop of stops) stop();
      const connection = nats?.connection;
      if (connection === undefined || connection.isClosed()) return;
      await within(
        flushMs,
        connection.drain().catch(() => {}),
      );
      if (!connection.isClosed()) await connection.close().catch(() => {});
    },
  };
}
