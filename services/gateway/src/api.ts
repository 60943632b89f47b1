/** The whole API as one fetch function: HTTP and NATS hand their requests to it alike. */
import { MusterError } from "@muster/contracts";
import { addAppChanges } from "./app-changes.ts";
import { addApps, addVersions } from "./apps.ts";
import { addCluster } from "./cluster.ts";
import { addDeployments } from "./deployments.ts";
import { addDocuments } from "./documents.ts";
import { errorResponse } from "./errors.ts";
import { addEvents } from "./events/endpoints.ts";
import { addSubscriptions } from "./events/subscription-endpoints.ts";
import type { Gateway } from "./gateway.ts";
import { refuseForeignNames, refuseForeignPages, setHeaders, whenReady } from "./guards.ts";
import { addPlan } from "./plan.ts";
import { addProbes } from "./probes.ts";
import { type Api, newApi } from "./route.ts";
import { addOwn } from "./v1.ts";

/** @param isLocal it listens on a loopback address, and is asked by this machine's names only. */
export function createApi(gateway: Gateway, { isLocal = false }: { isLocal?: boolean } = {}): Api {
  const api = newApi();
  api.use("*", setHeaders, refuseForeignNames(isLocal), refuseForeignPages);
  api.use("/v2/*", whenReady(gateway));
  api.use("/v1/*", whenReady(gateway));
  addApps(api, gateway);
  addVersions(api, gateway);
  addAppChanges(api, gateway);
  addCluster(api, gateway);
  addDeployments(api, gateway);
  addOwn(api, gateway);
  addPlan(api, gateway);
  addEvents(api, gateway);
  addSubscriptions(api, gateway);
  addProbes(api, gateway);
  addDocuments(api);
  api.onError((error) => errorResponse(error));
  api.notFound((c) => {
    const isMarathons = /^\/v2\/(groups|pods|plugins|artifacts|schemas)(\/|$)/.test(c.req.path);
    const more = isMarathons
      ? "Marathon has it, this release of Muster does not yet"
      : "GET /openapi.json lists what does";
    return errorResponse(
      new MusterError("route.unknown", `Nothing answers ${c.req.method} ${shown(c.req.path)} here: ${more}`),
    );
  });
  return api;
}

const shown = (path: string): string => (path.length > 200 ? `${path.slice(0, 199)}…` : path);
