/** The life of a service process: settings, start, signals, a bounded stop. Every `main.ts` is one call of `runService`. */
import { setFlagsFromString } from "node:v8";
import { type HealthKind, MusterError, type StateKind } from "@muster/contracts";
import { z } from "zod";
import { type Cluster, openCluster } from "./cluster.ts";
import { createLog } from "./log.ts";
import { natsAddress } from "./nats-context.ts";
import {
  HelpWanted,
  numberSetting,
  readSettings,
  type Settings,
  SettingsError,
  type SettingValues,
  setting,
} from "./settings.ts";

/** Settings every service has. */
export const commonSettings = {
  natsUrl: setting(
    z.string().nullable().default(null),
    "nats-server to connect to, several separated by commas; else the NATS CLI's context, else nats://127.0.0.1:4222",
    "URL",
    "NATS_URL",
  ),
  replicas: setting(
    numberSetting(1, { min: 1, max: 5 }),
    "replicas of streams and buckets that do not exist yet",
    "servers",
  ),
  otlp: setting(
    z.string().nullable().default(null),
    "OTLP/HTTP endpoint that traces are sent to",
    "URL",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
  ),
  processId: setting(
    z
      .string()
      .regex(/^[A-Za-z0-9_-]+$/)
      .nullable()
      .default(null),
    "name of this process's lease; drawn at random when not given",
  ),
} as const satisfies Settings;

/** A running service. */
export type Service = { stop(): Promise<void> };

export type ServiceKinds = {
  readonly state: readonly StateKind[];
  readonly health: readonly HealthKind[];
  /** Those of them that it reads only when it is asked for them. */
  readonly unread?: readonly (StateKind | HealthKind)[];
};

const STOP_WITHIN_MS = 10_000;
/** By how much the heap may grow before it is collected: by itself V8 lets it become several times what is alive. */
const HEAP_GROWING_PERCENT = 50;
/** The line a service writes on SIGUSR2: what its committers did so far, and the memory it holds. */
export const COUNTS = "counts";

/** Runs one service as a process of its own. Start refusals are one sentence on stderr and exit code 1 (6: nobody answers). */
export const runService = <S extends Settings>(
  name: string,
  settings: S,
  kinds: ServiceKinds,
  start: (cluster: Cluster, values: SettingValues<S & typeof commonSettings>) => Promise<Service>,
): Promise<void> => runServices(name, settings, () => [{ name, kinds, start }]);

export type ServiceStart<S extends Settings> = {
  readonly name: string;
  readonly kinds: ServiceKinds;
  readonly start: (cluster: Cluster, values: SettingValues<S & typeof commonSettings>) => Promise<Service>;
};

/** Runs the chosen services in one process: one connection, one view of all they read, one lease. */
export async function runServices<S extends Settings>(
  name: string,
  settings: S,
  choose: (values: SettingValues<S & typeof commonSettings>) => readonly ServiceStart<S>[],
): Promise<void> {
  const log = createLog(name);
  await runProcess(name, { ...commonSettings, ...settings }, async (read) => {
    const values = read as SettingValues<S & typeof commonSettings>;
    const common = read as SettingValues<typeof commonSettings>;
    const chosen = choose(values);
    const cluster = await openCluster({
      address: natsAddress({ url: common.natsUrl ?? undefined }),
      services: chosen.map((service) => service.name),
      stateKinds: [...new Set(chosen.flatMap(({ kinds }) => kinds.state))],
      healthKinds: [...new Set(chosen.flatMap(({ kinds }) => kinds.health))],
      unreadKinds: unreadOf(chosen.map(({ kinds }) => kinds)),
      replicas: common.replicas,
      otlp: common.otlp,
      ...(common.processId === null ? {} : { process: common.processId }),
      waitMs: Number.POSITIVE_INFINITY,
    });
    const running: Service[] = [];
    for (const { name: service, start } of chosen) running.push(await start(besideOthers(cluster, service), values));
    // From here on: while everything was read the heap had to grow anyway.
    setFlagsFromString(`--heap-growing-percent=${HEAP_GROWING_PERCENT}`);
    // For whoever looks at a process from outside, on a line of its log.
    process.on("SIGUSR2", () =>
      log.info(
        {
          state: cluster.stateCommitter.counts,
          health: cluster.healthCommitter.counts,
          memory: process.memoryUsage(),
        },
        COUNTS,
      ),
    );
    return {
      async stop() {
        for (const service of running.toReversed()) await service.stop();
        await cluster.close();
      },
    };
  });
}

/** The cluster with committers of the service's own: the batches of several services need not wait for each other. */
const besideOthers = (cluster: Cluster, service: string): Cluster => ({
  ...cluster,
  stateCommitter: cluster.stateCommitter.sibling(service),
  healthCommitter: cluster.healthCommitter.sibling(service),
});

/** Kinds that none of the services needs before it is asked for them. */
function unreadOf(services: readonly ServiceKinds[]): (StateKind | HealthKind)[] {
  const read = new Set(
    services.flatMap(({ state, health, unread = [] }) =>
      [...state, ...health].filter((kind) => !unread.includes(kind)),
    ),
  );
  return services.flatMap(({ unread = [] }) => unread).filter((kind) => !read.has(kind));
}

/** Settings, signals and refusals for any process; `start` does the rest. */
export async function runProcess<S extends Settings>(
  name: string,
  settings: S,
  start: (values: SettingValues<S>) => Promise<Service>,
): Promise<void> {
  const log = createLog(name);
  process.on("unhandledRejection", (cause) => {
    log.error(
      { error: (cause as Error)?.message, stack: (cause as Error)?.stack },
      "a promise was rejected and nobody looked",
    );
  });
  let stopping = false;
  let running: Service | null = null;
  const stop = async (signal: string) => {
    if (stopping) return;
    stopping = true;
    log.info({ signal }, "stopping");
    setTimeout(() => process.exit(1), STOP_WITHIN_MS).unref();
    await running
      ?.stop()
      .catch((cause: unknown) => log.error({ error: (cause as Error).message }, "a stop went wrong"));
    process.exit(0);
  };
  process.on("SIGTERM", () => void stop("SIGTERM"));
  process.on("SIGINT", () => void stop("SIGINT"));
  try {
    running = await start(readSettings(name, settings, { argv: process.argv.slice(2) }));
    log.info("ready");
  } catch (cause) {
    refuse(name, cause);
  }
}

function refuse(name: string, cause: unknown): never {
  if (cause instanceof HelpWanted) {
    process.stdout.write(cause.message);
    process.exit(0);
  }
  const isExpected = cause instanceof MusterError || cause instanceof SettingsError;
  process.stderr.write(`${name}: ${isExpected ? cause.message : ((cause as Error).stack ?? String(cause))}\n`);
  process.exit(
    cause instanceof SettingsError ? 2 : cause instanceof MusterError && cause.code === "nats.unreachable" ? 6 : 1,
  );
}
