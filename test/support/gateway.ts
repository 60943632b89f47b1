/** A gateway in this process beside a test's control plane. */
import { kinds, startGateway } from "@muster/gateway";
import { settings } from "@muster/gateway/settings";
import { openCluster, readSettings, type Service, type SettingValues } from "@muster/runtime";

type Values = SettingValues<typeof settings>;

/** Every setting at its default, unless `more` says otherwise; on a port of its own. */
export async function startTestGateway(url: string, more: Partial<Values> = {}): Promise<Service & { http: string }> {
  const cluster = await openCluster({
    address: { url },
    services: ["gateway"],
    stateKinds: kinds.state,
    healthKinds: kinds.health,
    replicas: 1,
    otlp: null,
    waitMs: 20_000,
  });
  const gateway = await startGateway(cluster, {
    ...readSettings("gateway", settings, { argv: [], env: {} }),
    httpPort: 0,
    ...more,
  });
  return {
    http: `http://127.0.0.1:${gateway.port}`,
    async stop() {
      await gateway.stop();
      await cluster.close();
    },
  };
}
