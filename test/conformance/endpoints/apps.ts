/** `/v2/apps` and what stands below it. */
import { APP_INSTANCES_MAX } from "@muster/contracts";
import { app, apps, CANNOT, type Endpoint, STANDING } from "./row.ts";

const still = { world: "still" } as const;
const tight = { world: "tight" } as const;
const CHANGE = /^\{"version":"20[^"]*Z","deploymentId":"[^"]+"\}$/;
const LOCKED = /"message":".*force=true.*"deployments":\[\{"id":"/;

export const APPS: readonly Endpoint[] = [
  [
    "GET /v2/apps",
    [
      ["/v2/apps", 200, apps(...STANDING)],
      ["/v2/apps?id=SHOP/W", 200, apps("/shop/web")],
      ["/v2/apps?id=&cmd=", 200, apps(...STANDING)],
      ["/v2/apps?cmd=SLEEP%201001", 200, apps("/shop/db/main")],
      ["/v2/apps?cmd=sleep&id=nobody", 200, apps()],
      ["/v2/apps?label=tier", 200, apps("/shop/db/main", "/shop/web")],
      ["/v2/apps?label=tier==db", 200, apps("/shop/db/main")],
      ["/v2/apps?label=tier!=db", 200, apps("/shop/web")],
      ["/v2/apps?label=tier%20in%20(web,api)", 200, apps("/shop/web")],
      ["/v2/apps?label=tier%20notin%20(web,%20api)", 200, apps("/shop/db/main")],
      ["/v2/apps?label=tier,odd==a%5C,b", 200, apps("/shop/web")],
      ["/v2/apps?label=nobody!=x", 200, apps()],
      ["/v2/apps?label=tier%20in", 422, /"path":"\?label"/],
      ["/v2/apps?id=shop/web&embed=apps.tasks", 200, /"tasks":\[\{"id":"shop_web\./],
      ["/v2/apps?id=shop/web&embed=tasks&embed=nothing.known", 200, /"tasks":\[\{"id":"shop_web\./],
      ["/v2/apps?id=shop/web&embed=apps.counts&embed=apps.deployments", 200, /"tasksRunning":2.*"deployments":\[\]/],
      ["/v2/apps?id=shop/web&embed=apps.readiness", 200, /"readinessCheckResults":\[\{"name":"up","taskId":"shop_web/],
      [
        "/v2/apps?id=shop/web&embed=apps.taskStats",
        200,
        /"totalSummary":\{"stats":\{"counts":\{"staged":0,"running":2/,
      ],
      ["/v2/apps?id=big&embed=apps.lastTaskFailure", 200, apps("/big")],
      ["/v2/apps?id=web&embed=apps.failures", 200, /"tasks":\[\{"id":"shop_web/],
      ["/v2/apps?id=shop/web", 200, /^(?!.*"(tasks|taskStats|lastTaskFailure|readinessCheckResults)":)/],
    ],
  ],
  [
    "POST /v2/apps",
    [
      [
        "/v2/apps",
        201,
        /"deployments":\[\{"id":".*"tasks":\[\]/,
        app("/made/a"),
        { tells: /^location: \/v2\/apps\/made\/a$/m },
      ],
      ["/v2/apps", 201, /"id":"\/made\/b"/, app("made/b"), { tells: /^marathon-deployment-id: \S+$/m }],
      ["/v2/apps?force=True", 201, /"id":"\/made\/c"/, app("/made/c", { user: null, args: null, labels: null })],
      ["/v2/apps?force=False", 201, undefined, app("/made/d", { unknown: 1 }), { tells: /^warning: .*unknown/m }],
      ["/v2/apps?force=perhaps", 422, /"path":"\?force"/, app("/made/e")],
      ["/v2/apps", 409, /already exists/, app("/shop/web")],
      ["/v2/apps", 409, /already exists/, app("/shop/web/below")],
      ["/v2/apps", 409, /\/shop/, app("/shop")],
      ["/v2/apps", 422, /"path":"\/instances"/, app("/huge", { instances: APP_INSTANCES_MAX + 1 })],
      ["/v2/apps", 422, /"path":"\/cpus"/, app("/odd", { cpus: "many" })],
      ["/v2/apps", 422, /networks by name/, app("/odd", CANNOT)],
      ["/v2/apps", 422, /object/, []],
      ["/v2/apps", 422, /null/, "null"],
      ["/v2/apps", 400, /line 1, column 2/, "{nothing"],
      ["/v2/apps", 400, /document/, ""],
      ["/v2/apps", 409, /being deleted/, app("/leaving"), still],
      ["/v2/apps", 403, /max-running-deployments/, app("/one-more"), tight],
      ["/v2/apps", 422, /max-apps/, app("/one-more"), { world: "full" }],
      ["/v2/apps", 413, /larger/, app("/long", { cmd: "x".repeat(1_000) }), tight],
      ["/v2/apps", 422, /max-instances-per-app/, app("/three", { instances: 3 }), tight],
      ["/v2/apps", 403, /page of evil/, app("/evil"), { headers: { origin: "http://evil.example" } }],
    ],
  ],
  [
    "PUT /v2/apps",
    [
      ["/v2/apps", 200, CHANGE, [app("/list/a"), { ...app("/list/b"), dependencies: ["/list/a"] }]],
      ["/v2/apps?force=true&partialUpdate=True", 200, CHANGE, [{ id: "/list/a", cpus: 0.2 }]],
      ["/v2/apps?force=true&partialUpdate=false", 200, CHANGE, [app("/list/a")]],
      ["/v2/apps?partialUpdate=false", 422, /cmd|args/, [{ id: "/list/a" }]],
      ["/v2/apps", 409, LOCKED, [{ id: "/big", cpus: 9_998 }]],
      ["/v2/apps", 409, /already exists|stands/, [app("/shop/web/below")]],
      ["/v2/apps", 422, /a list of apps/, app("/list/a")],
      ["/v2/apps", 422, /\(1\)\/id.*twice/, [app("/list/a"), app("/list/a")]],
      ["/v2/apps", 422, /networks by name/, [app("/list/a", CANNOT)]],
      ["/v2/apps", 409, /being deleted/, [{ id: "/leaving", cpus: 0.2 }], still],
    ],
  ],
  [
    "PATCH /v2/apps",
    [
      [
        "/v2/apps?force=true",
        200,
        CHANGE,
        [
          { id: "/list/a", instances: 2 },
          { id: "/list/b", labels: { a: "b" } },
        ],
      ],
      ["/v2/apps", 404, /App '\/list\/nobody'/, [{ id: "/list/a", instances: 1 }, { id: "/list/nobody" }]],
      ["/v2/apps", 409, LOCKED, [{ id: "/big", cpus: 9_998 }]],
      ["/v2/apps", 422, /"path":"\(0\)\/cpus"/, [{ id: "/list/a", cpus: -1 }]],
      ["/v2/apps", 422, /"path":"\(0\)\/cpus"/, [{ id: "/list/a", cpus: [] }]],
      ["/v2/apps", 422, /networks by name/, [{ id: "/list/a", ...CANNOT }]],
      ["/v2/apps", 409, /being deleted/, [{ id: "/leaving", cpus: 0.2 }], still],
    ],
  ],
  [
    "GET /v2/apps/{id}",
    [
      ["/v2/apps/shop/web", 200, /^\{"app":\{"id":"\/shop\/web".*"tasksHealthy":0.*"deployments":\[\],"tasks":\[\{/],
      ["/v2/apps/%2Fshop%2Fweb", 200, /"id":"\/shop\/web"/],
      ["/v2/apps/shop/web?embed=app.taskStats", 200, /"taskStats":\{.*"lifeTime":\{"averageSeconds":/],
      ["/v2/apps/shop/web?embed=app.readiness", 200, /"readinessCheckResults":\[\{/],
      ["/v2/apps/shop/*", 200, apps("/shop/db/main", "/shop/web")],
      ["/v2/apps/shop/*?embed=apps.tasks", 200, /^\{"\*":.*"tasks":\[\{"id":"shop_db_main.*"tasks":\[\{"id":"shop_web/],
      ["/v2/apps/*", 200, /"\/big"/],
      ["/v2/apps/nobody", 404, /App '\/nobody' does not exist/],
      ["/v2/apps/No%20Body", 404, /App '\/No Body' does not exist/],
      ["/v2/apps/nobody/*", 404, /Group '\/nobody' does not exist/],
    ],
  ],
  [
    "PUT /v2/apps/{id}",
    [
      ["/v2/apps/put/a", 201, CHANGE, app("ignored/the/address/counts")],
      ["/v2/apps/put/a?force=true", 200, CHANGE, { cpus: 0.2 }, { tells: /^marathon-deployment-id: \S+$/m }],
      ["/v2/apps/put/a?force=false&force=TRUE", 200, CHANGE, { instances: "2" }],
      ["/v2/apps/put/a?force", 200, CHANGE, { cpus: 0.2, cmd: null }],
      ["/v2/apps/put/a?force=true&partialUpdate=False", 200, CHANGE, app("/put/a", { mem: 17 })],
      ["/v2/apps/put/a?partialUpdate=false", 422, /cmd/, { mem: 17 }],
      ["/v2/apps/put/a?force=true", 200, CHANGE, { version: "<version /put/a>" }],
      ["/v2/apps/put/a", 404, /in version/, { version: "2026-01-01T00:00:00.000Z" }],
      ["/v2/apps/put/a", 422, /\/version: expected a version/, { version: "yesterday" }],
      ["/v2/apps/put/a", 422, /\/version.*alone/, { version: "2026-01-01T00:00:00.000Z", cpus: 1 }],
      ["/v2/apps/put/a", 422, /"path":"\/cpus"/, { cpus: "many" }],
      ["/v2/apps/put/a", 422, /"path":"\/cpus"/, { cpus: -1 }],
      ["/v2/apps/put/a", 422, /networks by name/, CANNOT],
      ["/v2/apps/No%20Body", 422, /"path":"\/id"/, app("x")],
      ["/v2/apps/big", 409, LOCKED, { cpus: 9_998 }],
      ["/v2/apps/leaving", 409, /being deleted/, { cpus: 0.2 }, still],
      ["/v2/apps/shop/web/below", 409, /already exists/, app("x")],
    ],
  ],
  [
    "PATCH /v2/apps/{id}",
    [
      ["/v2/apps/put/a?force=true", 200, CHANGE, { instances: 1 }],
      ["/v2/apps/nobody", 404, /App '\/nobody'/, { instances: 1 }],
      ["/v2/apps/big", 409, LOCKED, { cpus: 9_998 }],
      ["/v2/apps/put/a", 422, /"path":"\/mem"/, { mem: {} }],
      ["/v2/apps/put/a", 422, /"path":"\/mem"/, { mem: -5 }],
      ["/v2/apps/put/a", 422, /networks by name/, CANNOT],
      ["/v2/apps/leaving", 409, /being deleted/, { cpus: 0.2 }, still],
    ],
  ],
  [
    "POST /v2/apps/{id}/restart",
    [
      ["/v2/apps/put/a/restart?force=true", 200, CHANGE],
      ["/v2/apps/big/restart", 409, LOCKED],
      ["/v2/apps/nobody/restart", 404, /App '\/nobody'/],
      ["/v2/apps/leaving/restart", 409, /being deleted/, undefined, still],
    ],
  ],
  [
    "DELETE /v2/apps/{id}",
    [
      // Marathon's one place where force is on unless it is turned off.
      ["/v2/apps/big?force=false", 409, LOCKED],
      ["/v2/apps/put/a", 200, CHANGE],
      ["/v2/apps/nobody", 404, /App '\/nobody'/],
    ],
  ],
  [
    "GET /v2/apps/{id}/versions",
    [
      ["/v2/apps/shop/web/versions", 200, /^\{"versions":\["20\d\d-[^"]*Z"\]\}$/],
      ["/v2/apps/nobody/versions", 404, /App '\/nobody'/],
    ],
  ],
  [
    "GET /v2/apps/{id}/versions/{version}",
    [
      ["/v2/apps/shop/web/versions/<version /shop/web>", 200, /^\{"id":"\/shop\/web".*"version":"20/],
      ["/v2/apps/shop/web/versions/1999-01-01T00:00:00.000Z", 404, /in version 1999/],
      ["/v2/apps/shop/web/versions/yesterday", 404, /in version yesterday/],
    ],
  ],
];
