/** Names of an app's fields: those that say something, and those that only replies carry. */

const SPEC_FIELDS = [
  "id",
  "cmd",
  "args",
  "user",
  "env",
  "labels",
  "instances",
  "cpus",
  "mem",
  "disk",
  "gpus",
  "constraints",
  "acceptedResourceRoles",
  "role",
  "container",
  "networks",
  "portDefinitions",
  "requirePorts",
  "healthChecks",
  "backoffSeconds",
  "backoffFactor",
  "maxLaunchDelaySeconds",
  "upgradeStrategy",
  "killSelection",
  "taskKillGracePeriodSeconds",
  "unreachableStrategy",
  "dependencies",
  // Known, and refused where they ask for something.
  "fetch",
  "secrets",
  "readinessChecks",
  "check",
  "residency",
  "executor",
  "executorResources",
  "resourceLimits",
  "tty",
  "ipAddress",
  // Old spellings.
  "memory",
  "ports",
  "uris",
  "storeUrls",
  "taskRateLimit",
];

/** People fetch an app, edit it and send it back: what only replies carry is skipped without a word. */
const REPLY_FIELDS = [
  "version",
  "versionInfo",
  "tasksStaged",
  "tasksRunning",
  "tasksHealthy",
  "tasksUnhealthy",
  "deployments",
  "tasks",
  "lastTaskFailure",
  "readinessCheckResults",
  "taskStats",
  // Editors find the schema of a file by it.
  "$schema",
];

export const APP_FIELDS: readonly string[] = [...SPEC_FIELDS, ...REPLY_FIELDS];
