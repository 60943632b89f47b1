/** A gateway in this process beside a test's control plane. */
import { kinds, startGateway } from "@muster/gateway";
import { openCluster, type Service } from "@muster/runtime";

export async function startTestGateway(
  url: string,
  more: Partial<Parameters<typeof startGateway>[1]> = {},
): Promise<Service & { http: string }> {
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
    httpHost: "127.0.0.1",
    httpPort: 0,
    strategy: "spread",
    eventStreams: 64,
    callbackHosts: "loopback",
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
