/** Starts everything in order, shows the first app, stays until it is told to stop, and stops everything in order. */
import { resolve } from "node:path";
import { createClient } from "@muster/client";
import type { HealthKind, StateKind } from "@muster/contracts";
import { kinds as deployerKinds, startDeployer } from "@muster/deployer";
import { kinds as gatewayKinds, startGateway } from "@muster/gateway";
import { kinds as healthKinds, startHealth } from "@muster/health";
import { kinds as brokerKinds, startOfferBroker } from "@muster/offer-broker";
import { kinds as placementKinds, startPlacement } from "@muster/placement";
import { createLog, logTo, monotonicMs, natsAddress, openCluster, type Service } from "@muster/runtime";
import { screenOf } from "@muster/terminal";
import { startAgents } from "./agents.ts";
import { incarnationsNow, portsOf, showExample, untilAgentsAreOpen } from "./example.ts";
import { ClusterFolder } from "./folder.ts";
import { startNats } from "./nats.ts";
import { choosePort } from "./ports.ts";
import { root, type StandaloneConfig } from "./settings.ts";
import { welcome } from "./welcome.ts";

const ALL_KINDS = [brokerKinds, healthKinds, deployerKinds, placementKinds, gatewayKinds];
const SERVICES = ["offer-broker", "health", "deployer", "placement", "gateway"];
const log = createLog("standalone");

type Stop = () => Promise<void>;

export async function startStandalone(config: StandaloneConfig): Promise<void> {
  const startedAtMs = monotonicMs();
  const screen = screenOf(process.stderr);
  const abort = new AbortController();
  // What was started last is stopped first.
  const stops: Stop[] = [];
  const stopping = stopOnSignal(stops, abort, config.keepTasks, (line) => screen.print(line));
  try {
    const folder = ClusterFolder.take(resolve(root, config.stateDir));
    stops.push(async () => folder.release());
    logTo(folder.file("muster.log"));
    const left = await folder.endLeftovers();
    if (left.length > 0) screen.print(`ended what an earlier start left: ${left.join(", ")}`);

    const nats =
      config.natsUrl === null ? await startNats(folder, config.natsPort, (message) => stopping.fail(message)) : null;
    if (nats !== null) stops.push(() => nats.stop());
    const url = nats?.url ?? (config.natsUrl as string);
    folder.note("nats.url", url);
    const cluster = await openCluster({
      address: natsAddress({ url }),
      services: SERVICES,
      stateKinds: [...new Set(ALL_KINDS.flatMap((kinds) => kinds.state as StateKind[]))],
      healthKinds: [...new Set(ALL_KINDS.flatMap((kinds) => kinds.health as HealthKind[]))],
      replicas: 1,
      otlp: config.otlp,
      // The folder's lock lets only one such process live, so a restart need not wait for the old lease to end.
      process: "standalone",
      waitMs: 10_000,
    });
    stops.push(() => cluster.close());
    const keep = <S extends Service>(service: S): S => {
      stops.push(() => service.stop());
      return service;
    };
    keep(await startOfferBroker(cluster));
    keep(await startHealth(cluster, config));
    const httpPort = await choosePort("the HTTP API", "--http-port", config.httpPort, 8080, config.httpHost);
    const gateway = keep(await startGateway(cluster, { ...config, httpPort }));
    const client = createClient(cluster.nats, { from: "npm start" });
    const before = await incarnationsNow(client);
    const agents = startAgents(folder, config, url);
    const areOpen = untilAgentsAreOpen(client, agents.names, before);
    stops.push(async () => {
      // An agent that has not found its earlier tasks yet cannot end them.
      if (!config.keepTasks) await areOpen;
      await agents.stop();
    });
    keep(await startPlacement(cluster, config));
    keep(await startDeployer(cluster));
    log.info({ ms: Math.round(monotonicMs() - startedAtMs) }, "every service is ready");

    if (!(await areOpen) && !abort.signal.aborted)
      screen.print(`not every agent answers yet: see ${folder.file("agents")}`);
    const shown = abort.signal.aborted
      ? []
      : await showExample(client, cluster.nats, cluster.telemetry, config, screen, abort.signal);
    if (abort.signal.aborted) return;
    const ports = await portsOf(client, shown);
    screen.print(
      ...welcome(screen, {
        http: `http://${config.httpHost}:${gateway.port}`,
        nats: url,
        isDefaultNats: url === "nats://127.0.0.1:4222",
        agents: agents.names,
        shown,
        ports,
        logFile: folder.file("muster.log"),
        startedInMs: monotonicMs() - startedAtMs,
        keepTasks: config.keepTasks,
      }),
    );
  } catch (cause) {
    await stopping.stop();
    throw cause;
  }
}

function stopOnSignal(stops: Stop[], abort: AbortController, keepTasks: boolean, say: (line: string) => void) {
  let done: Promise<void> | null = null;
  const stop = (): Promise<void> => {
    abort.abort();
    done ??= (async () => {
      for (let each = stops.pop(); each !== undefined; each = stops.pop())
        await each().catch((cause: unknown) => log.error({ error: (cause as Error).message }, "a stop went wrong"));
    })();
    return done;
  };
  const onSignal = () => {
    if (done === null)
      say(keepTasks ? "\nstopping the cluster; its tasks run on" : "\nstopping the cluster and its tasks");
    void stop().then(() => process.exit(0));
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  process.on("unhandledRejection", (cause) =>
    log.error(
      { error: (cause as Error)?.message, stack: (cause as Error)?.stack },
      "a promise was rejected and nobody looked",
    ),
  );
  return {
    stop,
    fail(message: string) {
      if (done !== null) return;
      say(`muster: ${message}`);
      void stop().then(() => process.exit(1));
    },
  };
}
