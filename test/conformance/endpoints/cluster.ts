/** Tasks, deployments, the queue, events and the cluster itself, in Marathon's form. */
import type { Endpoint } from "./row.ts";

const still = { world: "still" } as const;
const CHANGE = /^\{"version":"20[^"]*Z","deploymentId":"[^"]+"\}$/;
const LOCKED = /"message":".*force=true.*"deployments":\[\{"id":"/;
const BOTH = /scale and wipe/;
const PLAIN = { headers: { accept: "text/plain" }, tells: /^content-type: text\/plain/m } as const;
const STREAM = { headers: { accept: "text/event-stream" }, tells: /^content-type: text\/event-stream/m } as const;
const callback = "http%3A%2F%2F127.0.0.1%3A1%2Fcalls";
const NO_PODS = /supports no pods: .*apps.*group/;

export const CLUSTER: readonly Endpoint[] = [
  [
    "GET /v2/apps/{id}/tasks",
    [
      [
        "/v2/apps/shop/web/tasks",
        200,
        /^\{"tasks":\[\{"id":"shop_web\.0.*"appId":"\/shop\/web".*"region":"sim","zone":"zone-0"/,
      ],
      ["/v2/apps/shop/web/tasks", 200, /^shop_web\t\d+\t(sim-\d+\S*:\d+\t?){2}\n$/, undefined, PLAIN],
      ["/v2/apps/shop/*/tasks", 200, /shop_db_main.*shop_web/],
      ["/v2/apps/shop/*/tasks", 200, /^shop_web\t/m, undefined, PLAIN],
      ["/v2/apps/nobody/tasks", 404, /App '\/nobody'/],
      ["/v2/apps/nobody/*/tasks", 404, /Group '\/nobody'/],
    ],
  ],
  [
    "GET /v2/tasks",
    [
      ["/v2/tasks", 200, /"host":"sim-0000.*"servicePorts":\[/],
      ["/v2/tasks?status=staging", 200, /^\{"tasks":\[\{"id":"big\.\d+\.\d+","appId":"\/big","ports":\[\]/],
      ["/v2/tasks?status[]=running", 200, /^(?!.*TASK_STAGING).*TASK_RUNNING/],
      ["/v2/tasks?status=running&status=staging", 200, /TASK_STAGING.*TASK_RUNNING/],
      ["/v2/tasks", 200, /^shop_web\t\d+\tsim/m, undefined, PLAIN],
      ["/v2/tasks", 200, /^\{"tasks"/, undefined, { headers: { accept: "text/plain, application/json" } }],
    ],
  ],
  [
    "DELETE /v2/apps/{id}/tasks/{task}",
    [
      ["/v2/apps/kill/tasks/<fresh /kill>", 200, /^\{"task":\{"id":"kill\./],
      ["/v2/apps/kill/tasks/<fresh /kill>?wipe=true", 200, /^\{"task":\{"id":"kill\./],
      ["/v2/apps/big/tasks/<task /big>?scale=true", 409, LOCKED],
      ["/v2/apps/kill/tasks/<fresh /kill>?scale=True&force=true", 200, CHANGE],
      ["/v2/apps/kill/tasks/nobody?scale=true&wipe=true", 400, BOTH],
      ["/v2/apps/kill/tasks/nobody", 404, /Task 'nobody' does not exist/],
      ["/v2/apps/nobody/tasks/nobody", 404, /App '\/nobody'/],
    ],
  ],
  [
    "DELETE /v2/apps/{id}/tasks",
    [
      ["/v2/apps/kill/tasks?host=nobody", 200, /^\{"tasks":\[\]\}$/],
      ["/v2/apps/kill/tasks?wipe=true", 200, /^\{"tasks":\[/],
      ["/v2/apps/big/tasks?scale=true", 409, LOCKED],
      ["/v2/apps/spare/tasks?scale=true&force=true", 200, CHANGE],
      ["/v2/apps/kill/tasks?scale=true&wipe=true", 400, BOTH],
      ["/v2/apps/nobody/tasks", 404, /App '\/nobody'/],
    ],
  ],
  [
    "POST /v2/tasks/delete",
    [
      ["/v2/tasks/delete", 200, /^\{"tasks":\[\]\}$/, { ids: ["gone.0.99"] }],
      ["/v2/tasks/delete?wipe=false", 200, /^\{"tasks":\[\{"id":"shop_db_main\./, { ids: ["<task /shop/db/main>"] }],
      ["/v2/tasks/delete?scale=true", 409, LOCKED, { ids: ["<task /held>"] }],
      ["/v2/tasks/delete?scale=true&force=true", 200, CHANGE, { ids: ["<fresh /kill>"] }],
      ["/v2/tasks/delete?scale=true&wipe=true", 400, BOTH, { ids: [] }],
      ["/v2/tasks/delete", 400, /'nonsense' is no task's id/, { ids: ["nonsense"] }],
      ["/v2/tasks/delete", 422, /"path":"\/ids"/, {}],
      ["/v2/tasks/delete", 400, /line 1/, "{"],
    ],
  ],
  [
    "GET /v2/deployments",
    [
      [
        "/v2/deployments",
        200,
        /"affectedApps":\["\/held"\],"affectedPods":\[\],"steps":\[\{"actions":\[\{"action":"\w+Application","app":"\/held"\}\]\}\].*"currentActions":\[\{.*"readinessCheckResults":\[.*"currentStep":1,"totalSteps":1/,
      ],
    ],
  ],
  [
    "DELETE /v2/deployments/{id}",
    [
      ["/v2/deployments/<deployment /undone>", 200, CHANGE, undefined, { tells: /^marathon-deployment-id: \S+$/m }],
      ["/v2/deployments/<deployment /halfway>?force=True", 202, /^$/],
      ["/v2/deployments/<past /halfway>", 404, /has ended/],
      ["/v2/deployments/nobody?force=false", 404, /DeploymentPlan nobody/],
    ],
  ],
  [
    "GET /v2/queue",
    [
      [
        "/v2/queue",
        200,
        /"count":1,.*"delay":\{"timeLeftSeconds":0,"overdue":true\},"since":"20.*"reason":"UnfulfilledRole","declined":0,"processed":3.*"InsufficientCpus","declined":3,"processed":3.*"DeclinedScarceResources","declined":0/,
      ],
      ["/v2/queue", 200, /^(?!.*lastUnusedOffers)/],
      ["/v2/queue?embed=lastUnusedOffers", 200, /"lastUnusedOffers":\[\{"offer":\{.*"reason":\["InsufficientCpus"\]/],
    ],
  ],
  [
    "DELETE /v2/queue/{id}/delay",
    [
      ["/v2/queue/big/delay", 204, /^$/],
      ["/v2/queue//big/delay/", 204, /^$/],
      ["/v2/queue/shop/web/delay", 404, /\/shop\/web not found in tasks queue/],
      ["/v2/queue/nobody/delay", 404, /not found in tasks queue/],
    ],
  ],
  [
    "GET /v2/events",
    [
      ["/v2/events", 200, /^: /, undefined, STREAM],
      [
        "/v2/events?lastEventId=0&event_type=deployment_success&event_type=api_post_event&plan-format=light",
        200,
        /^event: (deployment_success|api_post_event)$/m,
        undefined,
        STREAM,
      ],
      ["/v2/events?lastEventId=0&event_type=deployment_info&plan-format=full", 200, /"original":\{/, undefined, STREAM],
      ["/v2/events?lastEventId=0&event_type=", 200, /event: api_post_event/, undefined, STREAM],
      ["/v2/events?event_type=never_known", 200, /nothing here is told as/, undefined, STREAM],
      ["/v2/events?plan-format=heavy", 422, /\?plan-format/, undefined, { headers: STREAM.headers }],
      ["/v2/events?lastEventId=first", 422, /lastEventId/, undefined, { headers: STREAM.headers }],
      ["/v2/events", 405, /Accept: text\/event-stream/],
      [
        "/v2/events",
        503,
        /event-streams/,
        undefined,
        { headers: STREAM.headers, world: "tight", tells: /^retry-after: 1$/m },
      ],
    ],
  ],
  ["GET /v2/eventSubscriptions", [["/v2/eventSubscriptions", 200, /^\{"callbackUrls":\[\]\}$/]]],
  [
    "POST /v2/eventSubscriptions",
    [
      [
        `/v2/eventSubscriptions?callbackUrl=${callback}`,
        200,
        /"eventType":"subscribe_event".*"callbackUrl":"http:\/\/127/,
      ],
      ["/v2/eventSubscriptions", 422, /\?callbackUrl/],
      ["/v2/eventSubscriptions?callbackUrl=http%3A%2F%2Fexample.com%2F", 422, /\?callbackUrl.*callback-hosts/],
    ],
  ],
  [
    "DELETE /v2/eventSubscriptions",
    [
      [`/v2/eventSubscriptions?callbackUrl=${callback}`, 200, /"eventType":"unsubscribe_event"/],
      ["/v2/eventSubscriptions?callbackUrl=nothing", 422, /\?callbackUrl/],
    ],
  ],
  [
    "GET /v2/info",
    [
      [
        "/v2/info",
        200,
        /"elected":true.*"frameworkId":.*"marathon_config":\{.*"zookeeper_config":\{\}.*"http_config":\{"http_port":\d+\}/,
      ],
    ],
  ],
  [
    "GET /v2/leader",
    [
      ["/v2/leader", 200, /^\{"leader":"[^"]+"\}$/],
      ["/v2/leader", 404, /There is no leader/, undefined, still],
    ],
  ],
  [
    "DELETE /v2/leader",
    [
      ["/v2/leader", 409, /only deployer/],
      ["/v2/leader?restore=file:///tmp/x", 400, /nats-server/],
      ["/v2/leader?backup=s3://x/y", 400, /nats-server/],
      ["/v2/leader", 404, /There is no leader/, undefined, still],
    ],
  ],
  ["GET /v2/plugins", [["/v2/plugins", 200, /^\{"plugins":\[\]\}$/]]],
  ["GET /v2/pods", [["/v2/pods", 200, /^\[\]$/]]],
  ["POST /v2/pods", [["/v2/pods?force=true", 422, NO_PODS, { id: "/p" }]]],
  [
    "GET /v2/pods/{id}",
    [
      ["/v2/pods/::status", 200, /^\[\]$/],
      ["/v2/pods/a/b", 404, NO_PODS],
      ["/v2/pods/a/b::status", 404, /Pod '\/a\/b' does not exist/],
      ["/v2/pods/a/b::versions", 404, /Pod '\/a\/b' does not exist/],
      ["/v2/pods/a/b::versions/2026-01-01T00:00:00.000Z", 404, NO_PODS],
    ],
  ],
  ["PUT /v2/pods/{id}", [["/v2/pods/a/b", 422, NO_PODS, { id: "/a/b" }]]],
  [
    "DELETE /v2/pods/{id}",
    [
      ["/v2/pods/a/b", 404, NO_PODS],
      ["/v2/pods/a/b::instances", 404, NO_PODS, ["a", "b"]],
      ["/v2/pods/a/b::instances/one?wipe=true", 404, /Pod '\/a\/b' does not exist/],
    ],
  ],
  [
    "GET /ping",
    [
      ["/ping", 200, /^pong$/],
      ["/ping", 200, /^pong$/, undefined, PLAIN],
      [
        "/ping",
        200,
        /^"pong"$/,
        undefined,
        { headers: { accept: "application/json" }, tells: /^content-type: application\/json/m },
      ],
      ["/ping", 204, /^$/, undefined, { headers: { accept: "image/png" } }],
    ],
  ],
  ["GET /metrics", [["/metrics", 200, /"gauges":\{.*"counters":\{/]]],
  [
    "GET /metrics/prometheus",
    [
      [
        "/metrics/prometheus",
        200,
        /^muster_documents\{bucket="muster_state",kind="app"\} \d+$/m,
        undefined,
        { tells: /^content-type: text\/plain; version=0\.0\.4/m },
      ],
    ],
  ],
  ["GET /logging", [["/logging", 200, /"gateway":"[A-Z]+"/]]],
  [
    "POST /logging",
    [
      ["/logging", 200, /"view":"ERROR"/, { logger: "view", level: "error", durationSeconds: 0.001 }],
      ["/logging", 422, /no logger nobody/, { logger: "nobody", level: "INFO" }],
      ["/logging", 422, /level/, { logger: "ROOT", level: "loud" }],
      ["/logging", 422, /"path":"\/level"/, { logger: "ROOT", level: 5 }],
    ],
  ],
];
