/** `/v2/groups`, of the root and of groups below it. */
import { app, CANNOT, type Endpoint } from "./row.ts";

const still = { world: "still" } as const;
const CHANGE = /^\{"version":"20[^"]*Z","deploymentId":"[^"]+"\}$/;
const LOCKED = /"message":".*force=true.*"deployments":\[\{"id":"/;
const UNKNOWN = /Group '\/nobody' does not exist/;
const OLD = "2026-01-01T00:00:00.000Z";
const crowd = (count: number) =>
  Array.from({ length: count }, (_, i) => app(`a${i}`, { ports: [0], portDefinitions: null }));

export const GROUPS: readonly Endpoint[] = [
  [
    "GET /v2/groups",
    [
      ["/v2/groups", 200, /^\{"id":"\/",.*"pods":\[\],"apps":\[.*"id":"\/big".*"groups":\[.*"id":"\/shop"/],
      ["/v2/groups?embed=group.groups", 200, /^(?!.*"(apps|pods)":).*"id":"\/shop\/db"/],
      ["/v2/groups?embed=group.apps", 200, /^(?!.*"(groups|pods)":).*"id":"\/big"/],
      ["/v2/groups?embed=group.pods", 200, /^(?!.*"(groups|apps)":).*"pods":\[\]/],
    ],
  ],
  [
    "GET /v2/groups/{id}",
    [
      ["/v2/groups/shop", 200, /^\{"id":"\/shop",.*"apps":\[\{"id":"\/shop\/web"/],
      ["/v2/groups/shop?embed=group.apps&embed=group.apps.tasks", 200, /"tasks":\[\{"id":"shop_web\./],
      ["/v2/groups/shop?embed=group.apps&embed=group.apps.taskStats", 200, /"taskStats":\{/],
      ["/v2/groups/shop?embed=group.apps&embed=group.apps.readiness", 200, /"readinessCheckResults":\[\{/],
      ["/v2/groups/shop?embed=group.apps&embed=group.apps.lastTaskFailure", 200, /"tasksRunning":2/],
      ["/v2/groups/shop?embed=nothing.known", 200, /^(?!.*"(groups|apps|pods)":)/],
      ["/v2/groups/nobody", 404, UNKNOWN],
      ["/v2/groups/shop/web", 404, /Group '\/shop\/web'/],
      ["/v2/groups/No%20Body", 404, /Group '\/No Body'/],
    ],
  ],
  ["GET /v2/groups/apps", [["/v2/groups/apps?embed=apps.tasks", 200, /^\[\{"id":"\/big".*"tasks":\[\{"id":"shop_web/]]],
  [
    "GET /v2/groups/{id}/apps",
    [
      ["/v2/groups/shop/apps", 200, /^\[\{"id":"\/shop\/db\/main".*\{"id":"\/shop\/web"/],
      ["/v2/groups/shop/apps?embed=apps.taskStats", 200, /"taskStats":\{/],
      ["/v2/groups/nobody/apps", 404, UNKNOWN],
    ],
  ],
  [
    "POST /v2/groups",
    [
      ["/v2/groups", 201, CHANGE, { id: "/made-g", apps: [app("a")] }, { tells: /^location: \/v2\/groups\/made-g$/m }],
      ["/v2/groups?force=true", 201, CHANGE, { id: "deep/er", groups: [{ id: "est", apps: [app("a")] }] }],
      ["/v2/groups", 409, /Group \/made-g is already created/, { id: "/made-g" }],
      ["/v2/groups", 409, /An app with id \[\/big\] already exists/, { id: "/big" }],
      ["/v2/groups", 409, /Group \/ is already created/, { id: "/" }],
      ["/v2/groups", 422, /"path":"\/apps\(0\)\/id"/, { id: "/odd-g", apps: [app("Not An Id")] }],
      ["/v2/groups", 422, /"path":"\/apps"/, { id: "/odd-g", apps: "many" }],
      [
        "/v2/groups",
        422,
        /wait for each other/,
        { id: "/odd-g", apps: [app("a", { dependencies: ["/odd-g/b"] }), app("b", { dependencies: ["/odd-g/a"] })] },
      ],
      ["/v2/groups", 422, /networks by name/, { id: "/odd-g", apps: [app("a", CANNOT)] }],
      ["/v2/groups", 413, /commit/, { id: "/crowd-g", apps: crowd(1_500) }],
      ["/v2/groups", 400, /line 1/, "{"],
    ],
  ],
  [
    "POST /v2/groups/{id}",
    [
      ["/v2/groups/made-g?force=false", 201, CHANGE, { id: "below", apps: [app("a")] }],
      ["/v2/groups/made-g", 422, /the address says \/made-g/, { id: "/elsewhere" }],
      ["/v2/groups/made-g", 422, /"path":"\/apps"/, { id: "odd", apps: {} }],
      ["/v2/groups/made-g", 422, /networks by name/, { id: "odd", apps: [app("a", CANNOT)] }],
      ["/v2/groups/made-g", 409, /already created/, { id: "below" }],
      ["/v2/groups/made-g", 409, /already exists/, { id: "a" }],
      ["/v2/groups/made-g", 413, /commit/, { id: "crowd", apps: crowd(1_500) }],
    ],
  ],
  [
    "PUT /v2/groups/{id}",
    [
      ["/v2/groups/put-g", 200, CHANGE, { apps: [app("a")] }],
      [
        "/v2/groups/put-g?dryRun=True",
        200,
        /^\{"steps":\[\{"actions":\[\{"action":"ScaleApplication","app":"\/put-g\/a"\}\]\}\]\}$/,
        { apps: [app("a", { instances: 2 })] },
      ],
      [
        "/v2/groups/put-g?dryRun=true",
        200,
        /RestartApplication.*StartApplication|StartApplication.*RestartApplication|ScaleApplication.*RestartApplication/,
        { apps: [app("a", { cpus: 0.2 }), app("b", { dependencies: ["/put-g/a"] })] },
      ],
      ["/v2/groups/put-g?dryRun=true", 200, /"action":"StopApplication","app":"\/put-g\/a"/, { apps: [] }],
      ["/v2/groups/put-g?force=true", 200, CHANGE, { scaleBy: 2 }],
      ["/v2/groups/put-g?force=true", 200, CHANGE, { version: "<group /put-g>" }],
      ["/v2/groups/put-g", 422, /scaleBy.*alone/, { scaleBy: 2, apps: [] }],
      ["/v2/groups/put-g", 422, /version.*alone/, { version: OLD, apps: [] }],
      ["/v2/groups/put-g", 422, /"path":"\/scaleBy"/, { scaleBy: -1 }],
      ["/v2/groups/put-g", 422, /"path":"\/scaleBy"/, { scaleBy: "twice" }],
      ["/v2/groups/put-g", 422, /networks by name/, { apps: [app("a", CANNOT)] }],
      ["/v2/groups/put-g", 404, /in version/, { version: OLD }],
      ["/v2/groups/put-g", 422, /stands here twice/, { groups: [{ id: "a", apps: [] }], apps: [app("a")] }],
      ["/v2/groups/shop/web", 409, /already exists/, { apps: [app("a")] }],
      ["/v2/groups/locked-g", 200, CHANGE, { apps: [app("a")] }, still],
      ["/v2/groups/locked-g", 409, LOCKED, { apps: [app("a", { cpus: 0.2 })] }, still],
      ["/v2/groups/leaving-g", 409, /being deleted/, { apps: [app("a")] }, still],
    ],
  ],
  [
    "PUT /v2/groups",
    [
      ["/v2/groups?dryRun=true&force=true", 200, /"steps":\[/, { groups: [{ id: "another", apps: [app("a")] }] }],
      ["/v2/groups", 200, CHANGE, { id: "/put-r", apps: [app("a")] }],
      ["/v2/groups", 422, /"path":"\/groups"/, { groups: "all" }],
      ["/v2/groups", 422, /"path":"\/scaleBy"/, { scaleBy: -1 }],
      ["/v2/groups", 422, /networks by name/, { id: "/put-r", apps: [app("a", CANNOT)] }],
      ["/v2/groups", 404, /in version/, { version: OLD }],
      ["/v2/groups", 409, /already exists/, { id: "/shop/web", apps: [app("a")] }],
      ["/v2/groups", 409, LOCKED, { id: "/locked-g", apps: [app("a", { cpus: 0.2 })] }, still],
      ["/v2/groups", 409, /being deleted/, { id: "/leaving-g", apps: [app("a")] }, still],
    ],
  ],
  [
    "PATCH /v2/groups/{id}",
    [
      ["/v2/groups/made-g", 200, /^$/, { enforceRole: true }],
      ["/v2/groups/nobody", 404, UNKNOWN, { enforceRole: true }],
      ["/v2/groups/made-g", 422, /"path":"\/enforceRole"/, { enforceRole: "yes" }],
      ["/v2/groups/made-g/below", 422, /right below the root/, { enforceRole: true }],
    ],
  ],
  ["GET /v2/groups/versions", [["/v2/groups/versions", 200, /^\[.*\]$/]]],
  [
    "GET /v2/groups/{id}/versions",
    [
      ["/v2/groups/put-g/versions", 200, /^\["20\d\d-/],
      ["/v2/groups/nobody/versions", 404, UNKNOWN],
    ],
  ],
  [
    "GET /v2/groups/versions/{version}",
    [["/v2/groups/versions/1999-01-01T00:00:00.000Z?embed=group.apps", 404, /in version 1999/]],
  ],
  [
    "GET /v2/groups/{id}/versions/{version}",
    [
      ["/v2/groups/put-g/versions/<group /put-g>", 200, /^\{"id":"\/put-g".*"apps":\[\{"id":"\/put-g\/a"/],
      ["/v2/groups/put-g/versions/<group /put-g>?embed=group.groups", 200, /^(?!.*"apps":)/],
      ["/v2/groups/put-g/versions/1999-01-01T00:00:00.000Z", 404, /in version 1999/],
    ],
  ],
  [
    "DELETE /v2/groups/{id}",
    [
      ["/v2/groups/locked-g", 409, LOCKED, undefined, still],
      ["/v2/groups/put-g?force=true", 200, CHANGE],
      ["/v2/groups/nobody", 404, UNKNOWN],
    ],
  ],
  [
    "DELETE /v2/groups",
    [
      ["/v2/groups", 409, LOCKED, undefined, still],
      ["/v2/groups?force=true", 200, CHANGE, undefined, still],
    ],
  ],
];
