/** Muster's own endpoints, and those that describe it. */
import { app, CANNOT, type Endpoint } from "./row.ts";

const STREAM = { headers: { accept: "text/event-stream" }, tells: /^content-type: text\/event-stream/m } as const;

export const OWN: readonly Endpoint[] = [
  [
    "GET /v1/apps/{id}/diff",
    [
      ["/v1/apps/shop/web/diff", 200, /"changes":\[\]/],
      ["/v1/apps/shop/web/diff?from=<version /shop/web>&to=<version /shop/web>", 200, /"changes":\[\]/],
      ["/v1/apps/shop/web/diff?from=1999-01-01T00:00:00.000Z", 404, /in version 1999/],
      ["/v1/apps/nobody/diff", 404, /App '\/nobody'/],
    ],
  ],
  [
    "GET /v1/instances",
    [
      ["/v1/instances", 200, /^\{"instances":\[\{.*"id":"shop_web\.1/],
      ["/v1/instances?app=/shop/web&ended=true", 200, /"id":"shop_web\.0/],
      ["/v1/instances?instance=<task /shop/web>", 200, /^\{"instances":\[\{(?!.*\{"id").*"id":"shop_web\./],
      ["/v1/instances?instance=nobody.0.1", 404, /Instance 'nobody\.0\.1'/],
      ["/v1/instances?instance=shop_web", 409, /beginning of/],
      ["/v1/instances?app=/nobody", 404, /App '\/nobody'/],
    ],
  ],
  [
    "GET /v1/why",
    [
      ["/v1/why?app=shop/web", 200, /"app":"\/shop\/web"|"id":"\/shop\/web"|shop\/web/],
      ["/v1/why?instance=<task /shop/web>", 200, /shop_web/],
      ["/v1/why?app=nobody", 404, /App '\/nobody'/],
      ["/v1/why?instance=nobody.0.1", 404, /Instance/],
      ["/v1/why?instance=shop_web", 409, /beginning of/],
      ["/v1/why", 422, /Why what/],
    ],
  ],
  ["GET /v1/agents", [["/v1/agents", 200, /"id":"sim-00001"/]]],
  [
    "POST /v1/agents/{id}",
    [
      ["/v1/agents/sim-00002", 200, /"goal":"cordon"/, { goal: "cordon" }],
      ["/v1/agents/sim-00002", 200, /"goal":"run"/, { goal: "run" }],
      ["/v1/agents/nobody", 404, /nobody/, { goal: "run" }],
      ["/v1/agents/sim-00002", 422, /goal/, { goal: "fly" }],
    ],
  ],
  ["GET /v1/cluster", [["/v1/cluster", 200, /"running":\d/]]],
  [
    "POST /v1/plan",
    [
      ["/v1/plan?force=true", 200, /"outcome":/, app("/planned")],
      ["/v1/plan", 400, /line 1/, "{"],
      ["/v1/plan", 422, /"path":"\/cpus"/, app("/planned", { cpus: [] })],
      ["/v1/plan", 422, /"path":"\/cpus"/, app("/planned", { cpus: -1 })],
      ["/v1/plan", 422, /networks by name/, app("/planned", CANNOT)],
      ["/v1/plan", 409, /already exists/, app("/shop/web/below")],
      [
        "/v1/plan",
        200,
        /^\{"steps":\[\{"actions":\[\{"action":"StartApplication","app":"\/planned"/,
        [app("/planned")],
      ],
      ["/v1/plan", 409, /force=true.*"deployments":\[\{"id":"/, [app("/big", { cpus: 9_998 })]],
      ["/v1/plan", 409, /being deleted/, [app("/leaving")], { world: "still" }],
    ],
  ],
  [
    "GET /v1/deployments",
    [
      ["/v1/deployments", 200, /^\{"deployments":\[\{/],
      ["/v1/deployments?app=/held&state=running&state=failed", 200, /"state":"running"/],
      ["/v1/deployments?app=nobody", 200, /^\{"deployments":\[\]\}$/],
    ],
  ],
  [
    "GET /v1/deployments/{id}",
    [
      ["/v1/deployments/<deployment /held>", 200, /"state":"running"/],
      ["/v1/deployments/nobody", 404, /nobody/],
    ],
  ],
  [
    "POST /v1/deployments/{id}",
    [
      ["/v1/deployments/<deployment /held>", 200, /"deployment":"/, { action: "pause" }],
      ["/v1/deployments/<deployment /held>", 409, /no promotion/, { action: "promote" }],
      ["/v1/deployments/<deployment /held>", 422, /action/, { action: "fly" }],
      ["/v1/deployments/<past /shop/web>", 409, /has ended/, { action: "pause" }],
      ["/v1/deployments/nobody", 404, /nobody/, { action: "pause" }],
    ],
  ],
  [
    "GET /v1/events",
    [
      [
        "/v1/events?lastEventId=0&subject=muster.events.app.*.accepted",
        200,
        /"type":"muster\.app\.accepted"/,
        undefined,
        STREAM,
      ],
      ["/v1/events?subject=a..b", 422, /\?subject/, undefined, { headers: STREAM.headers }],
      ["/v1/events", 405, /Accept/],
      ["/v1/events", 503, /event-streams/, undefined, { headers: STREAM.headers, world: "tight" }],
    ],
  ],
  ["GET /livez", [["/livez", 200, /^ok$/]]],
  ["GET /readyz", [["/readyz", 200, /"ready":true/]]],
  ["GET /openapi.json", [["/openapi.json", 200, /^\{"openapi":"3\.1/]]],
  ["GET /asyncapi.json", [["/asyncapi.json", 200, /^\{"asyncapi":"3/]]],
];
