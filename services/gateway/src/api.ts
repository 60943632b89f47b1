/** The whole API as one fetch function: HTTP and NATS hand their requests to it alike. */
import { MusterError } from "@muster/contracts";
import { addAbsent } from "./endpoints/absent.ts";
import { addAppChanges } from "./endpoints/app-changes.ts";
import { addApps, addDiff, addVersions } from "./endpoints/apps.ts";
import { addCluster } from "./endpoints/cluster.ts";
import { addDeployments } from "./endpoints/deployments.ts";
import { addDocuments } from "./endpoints/documents.ts";
import { addGroups } from "./endpoints/groups.ts";
import { addAppLists } from "./endpoints/groups-apps.ts";
import { addGroupChanges } from "./endpoints/groups-changes.ts";
import { addLogging } from "./endpoints/logging.ts";
import { addMetrics } from "./endpoints/metrics.ts";
import { addPlan } from "./endpoints/plan.ts";
import { addProbes } from "./endpoints/probes.ts";
import { addTasks } from "./endpoints/tasks.ts";
import { addOwn } from "./endpoints/v1.ts";
import { addEvents } from "./events/endpoints.ts";
import { addSubscriptions } from "./events/subscription-endpoints.ts";
import type { Gateway } from "./gateway.ts";
import { compress } from "./http/compress.ts";
import { answerWithin } from "./http/deadline.ts";
import { errorResponse } from "./http/errors.ts";
import {
  allowOrigins,
  countRequests,
  refuseForeignNames,
  refuseForeignPages,
  refuseTooMany,
  setHeaders,
  whenReady,
} from "./http/guards.ts";
import { type Api, methodsAt, newApi } from "./http/route.ts";

export type ApiOptions = {
  /** It listens on a loopback address, and is asked by this machine's names only. */
  readonly isLocal?: boolean;
  /** Origins whose pages may ask and change things; `*` for all. */
  readonly origins?: readonly string[];
  readonly concurrentRequestsMax?: number;
  readonly answerWithinMs?: number;
};

export function createApi(
  gateway: Gateway,
  {
    isLocal = false,
    origins = [],
    concurrentRequestsMax = Number.POSITIVE_INFINITY,
    answerWithinMs = 30_000,
  }: ApiOptions = {},
): Api {
  const api = newApi();
  api.use("*", countRequests(gateway), setHeaders(gateway), compress, refuseForeignNames(isLocal));
  if (origins.length > 0) api.use("*", allowOrigins(origins));
  api.use("*", refuseForeignPages(origins));
  const bounded = refuseTooMany(concurrentRequestsMax);
  for (const area of ["/v2/*", "/v1/*"]) api.use(area, bounded, answerWithin(answerWithinMs), whenReady(gateway));
  addApps(api, gateway);
  addVersions(api, gateway);
  addDiff(api, gateway);
  addAppChanges(api, gateway);
  addAppLists(api, gateway);
  addGroups(api, gateway);
  addGroupChanges(api, gateway);
  addCluster(api, gateway);
  addDeployments(api, gateway);
  addTasks(api, gateway);
  addOwn(api, gateway);
  addPlan(api, gateway);
  addEvents(api, gateway);
  addSubscriptions(api, gateway);
  addProbes(api, gateway);
  addMetrics(api, gateway);
  addLogging(api, gateway);
  addAbsent(api, gateway);
  addDocuments(api);
  api.onError((error) => errorResponse(error));
  api.notFound((c) => {
    const { path, method } = c.req;
    const allowed = methodsAt(api, path);
    const asked = new URL(c.req.url).pathname;
    return allowed.length > 0 ? wrongMethod(method, asked, allowed) : nothingThere(method, asked);
  });
  return api;
}

function wrongMethod(method: string, path: string, allowed: readonly string[]): Response {
  const message = `${shown(path)} does not take ${method}, it takes ${allowed.join(", ")}`;
  return errorResponse(new MusterError("method.not-allowed", message), { Allow: allowed.join(", ") });
}

function nothingThere(method: string, path: string): Response {
  const isMarathons = /^\/v2\/(artifacts|schemas)(\/|$)/.test(path);
  const more = isMarathons
    ? "Marathon had it once and took it out, Muster never had it"
    : path.startsWith("/v2/plugins/")
      ? "this cluster has no plugins"
      : "GET /openapi.json lists what does";
  return errorResponse(new MusterError("route.unknown", `Nothing answers ${method} ${shown(path)} here: ${more}`));
}

const shown = (path: string): string => (path.length > 200 ? `${path.slice(0, 199)}…` : path);
