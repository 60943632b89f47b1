/** What an app's fields come to: real agents, real processes, and one app or a few for each effect. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { freePort, until } from "@muster/testkit";
import { type StandaloneFolder, standaloneFolder } from "../../support/standalone.ts";
import { EFFECTS, type EffectName, type Json } from "./row.ts";
import { ROWS } from "./table.ts";

let folder: StandaloneFolder;
let url: string;
let fixedPort: number;
before(async () => {
  folder = await standaloneFolder();
  fixedPort = await freePort();
  const resources = `cpus:8;mem:8192;ports:[31000-31500,${fixedPort}-${fixedPort}]`;
  const cluster = await folder.start(["--example=none", `--resources=${resources}`]);
  await cluster.untilReady();
  url = cluster.http;
  // Before any app comes that takes whichever port is free.
  await start("/port/first", onFixedPort());
  await untilRunning("/port/first");
});
after(() => folder.clean());

const onFixedPort = (): Json => ({
  cmd: "exec sleep 1000",
  portDefinitions: [{ port: fixedPort }],
  requirePorts: true,
});

const get = async (path: string): Promise<Json> => (await (await fetch(`${url}${path}`)).json()) as Json;
async function send(method: string, path: string, body: Json): Promise<void> {
  const answer = await fetch(`${url}${path}`, { method, body: JSON.stringify(body) });
  assert.ok(answer.ok, await answer.text());
}
/** An app that takes little and has no ports, unless it says so. */
const start = (id: string, more: Json): Promise<void> =>
  send("POST", "/v2/apps", { id, cpus: 0.05, mem: 16, portDefinitions: [], ...more });

type Task = {
  id: string;
  state: string;
  ports: number[];
  startedAt?: string;
  healthCheckResults?: { alive: boolean }[];
};
const tasks = async (id: string) => (await get(`/v2/apps${id}/tasks`)).tasks as Task[];
const running = async (id: string) => (await tasks(id)).filter(({ state }) => state === "TASK_RUNNING");
const untilRunning = (id: string, count = 1): Promise<Task[]> =>
  until(async () => ((await running(id)).length === count ? running(id) : null), {
    withinMs: 20_000,
    what: `${count} tasks of ${id}`,
  });
const failureOf = (id: string): Promise<string> =>
  until(async () => (((await get(`/v2/apps${id}`)).app as Json).lastTaskFailure as Json | undefined)?.message, {
    withinMs: 20_000,
    what: `a failure of ${id}`,
  }) as Promise<string>;
const queued = async (id: string): Promise<Json | undefined> =>
  ((await get("/v2/queue?embed=lastUnusedOffers")).queue as Json[]).find(({ app }) => (app as Json).id === id);

/** Where tasks leave what they have to say. */
const file = (name: string): string => join(folder.stateDir, name);
const said = (name: string, end = ""): Promise<string> =>
  until(
    () => {
      const text = readFileSync(file(name), "utf8");
      return text.endsWith(end) ? text : null;
    },
    { withinMs: 20_000, what: name },
  );

const EFFECT: Readonly<Record<EffectName, () => Promise<void>>> = {
  async "a task finds in its environment what its spec says"() {
    await start("/env/all", {
      cmd: `env > ${file("env")}; echo over >> ${file("env")}; exec sleep 1000`,
      cpus: 0.1,
      mem: 32,
      disk: 0.5,
      env: { LEVEL: "2", HOST: "mine" },
      labels: { tier: "web", "a.b-c": "1", long: "x".repeat(600) },
      portDefinitions: [{ port: 9_090, name: "http-api" }, { port: 0 }],
    });
    const [task] = await untilRunning("/env/all");
    const lines = (await said("env", "over\n")).split("\n").map((line) => line.split(/=(.*)/s));
    const variables = Object.fromEntries(lines) as Record<string, string>;
    const [first, second] = (task as Task).ports;
    const { version } = (await get("/v2/apps/env/all")).app as { version: string };
    const expected = {
      MESOS_TASK_ID: (task as Task).id,
      MARATHON_APP_ID: "/env/all",
      MARATHON_APP_VERSION: version,
      MARATHON_APP_DOCKER_IMAGE: undefined,
      MARATHON_APP_RESOURCE_CPUS: "0.1",
      MARATHON_APP_RESOURCE_MEM: "32.0",
      MARATHON_APP_RESOURCE_DISK: "0.5",
      MARATHON_APP_RESOURCE_GPUS: "0",
      MARATHON_APP_LABELS: "TIER A_B_C",
      MARATHON_APP_LABEL_TIER: "web",
      MARATHON_APP_LABEL_A_B_C: "1",
      MARATHON_APP_LABEL_LONG: undefined,
      MARATHON_APP_ENFORCE_GROUP_ROLE: "FALSE",
      HOST: "mine", // What the spec says goes over what every task finds.
      LEVEL: "2",
      PORT: `${first}`,
      PORT0: `${first}`,
      PORT1: `${second}`,
      PORTS: `${first},${second}`,
      PORT_9090: `${first}`,
      PORT_HTTP_API: `${first}`,
      MESOS_SANDBOX: variables.PWD,
    };
    assert.deepEqual(Object.fromEntries(Object.keys(expected).map((name) => [name, variables[name]])), expected);
  },

  async "a shell line is read by a shell, arguments are not"() {
    const env = { WHO: "world" };
    await start("/said/cmd", { cmd: `printf 'hello %s' "$WHO" > ${file("cmd")}; exec sleep 1000`, env });
    const script = "require('node:fs').writeFileSync(process.argv[1], process.argv[2]); setInterval(() => {}, 1000)";
    await start("/said/args", { args: [process.execPath, "-e", script, file("args"), "hello $WHO; exit"], env });
    assert.equal(await said("cmd", "world"), "hello world");
    assert.equal(await said("args", "exit"), "hello $WHO; exit");
  },

  async "a task runs as the user it names"() {
    const { username } = userInfo();
    await start("/user/own", { cmd: `id -un > ${file("user")}; exec sleep 1000`, user: username });
    await start("/user/unknown", { cmd: "exec sleep 1000", user: "nobody-at-all", backoffSeconds: 60 });
    assert.equal(await said("user", "\n"), `${username}\n`);
    assert.match(await failureOf("/user/unknown"), /nobody-at-all/);
  },

  async "a fixed port is the task's own"() {
    assert.deepEqual((await untilRunning("/port/first"))[0]?.ports, [fixedPort]);
    const fixed = onFixedPort();
    await start("/port/second", fixed);
    await start("/port/free", { ...fixed, requirePorts: false });
    const [free] = await untilRunning("/port/free");
    assert.notEqual(free?.ports[0], fixedPort);
    await until(() => queued("/port/second"), { withinMs: 10_000, what: "an app that waits for its port" });
    assert.deepEqual(await running("/port/second"), []);
  },

  async "a grace period is waited for, and no longer"() {
    const cmd = (name: string) => `trap 'sleep 1; echo over > ${file(name)}; exit' TERM; while :; do sleep 0.1; done`;
    await start("/grace/long", { cmd: cmd("long"), taskKillGracePeriodSeconds: 30 });
    await start("/grace/short", { cmd: cmd("short"), taskKillGracePeriodSeconds: 0.2 });
    await Promise.all(["/grace/long", "/grace/short"].map((id) => untilRunning(id).then(() => settled(id))));
    const begun = performance.now();
    const gone = async (id: string): Promise<number> => {
      await send("PUT", `/v2/apps${id}`, { instances: 0 });
      await until(async () => (await tasks(id)).length === 0, { withinMs: 20_000, what: `the end of ${id}` });
      return performance.now() - begun;
    };
    const [longMs] = await Promise.all([gone("/grace/long"), gone("/grace/short")]);
    assert.ok(longMs > 1_000 && longMs < 15_000, `${longMs} ms`);
    assert.equal(await said("long"), "over\n");
    assert.throws(() => readFileSync(file("short")), /ENOENT/);
  },

  async "a delay grows with the failures, up to its most"() {
    const failing = { cmd: "exit 3", rollout: { maxFailures: "unlimited" } };
    await start("/delay/grows", { ...failing, backoffSeconds: 0.2, backoffFactor: 100, maxLaunchDelaySeconds: 300 });
    await start("/delay/bounded", { ...failing, backoffSeconds: 0.2, backoffFactor: 100, maxLaunchDelaySeconds: 15 });
    await start("/delay/long", { ...failing, backoffSeconds: 100, backoffFactor: 1 });
    const secondsLeft = (id: string, least: number): Promise<number> =>
      until(
        async () => {
          const { timeLeftSeconds = 0 } = ((await queued(id))?.delay ?? {}) as { timeLeftSeconds?: number };
          return timeLeftSeconds >= least ? timeLeftSeconds : null;
        },
        { withinMs: 20_000, what: `a delay of ${id}` },
      );
    // 0.2 s, 20 s, and then more than its most.
    assert.ok((await secondsLeft("/delay/grows", 15)) <= 20);
    assert.ok((await secondsLeft("/delay/bounded", 10)) <= 15);
    assert.ok((await secondsLeft("/delay/long", 80)) <= 100);
  },

  async "the youngest goes first, or the oldest"() {
    const left = async (id: string, killSelection: string): Promise<boolean> => {
      await start(id, { cmd: "exec sleep 1000", killSelection });
      const [older] = await untilRunning(id);
      await settled(id);
      await send("PUT", `/v2/apps${id}`, { instances: 2 });
      await untilRunning(id, 2);
      await settled(id);
      await send("PUT", `/v2/apps${id}`, { instances: 1 });
      const [rest] = await untilRunning(id, 1);
      return rest?.id === older?.id;
    };
    const isOlderLeft = await Promise.all([
      left("/kill/youngest", "YOUNGEST_FIRST"),
      left("/kill/oldest", "OLDEST_FIRST"),
    ]);
    assert.deepEqual(isOlderLeft, [true, false]);
  },

  async "a sick task is replaced when its check gives up"() {
    const check = (more: Json) => ({
      cmd: "exec sleep 1000",
      healthChecks: [
        {
          protocol: "COMMAND",
          command: { value: "false" },
          gracePeriodSeconds: 0,
          intervalSeconds: 0.2,
          delaySeconds: 0,
          maxConsecutiveFailures: 2,
          ...more,
        },
      ],
      rollout: { maxFailures: "unlimited" },
    });
    await start("/sick/replaced", check({}));
    await start("/sick/never", check({ maxConsecutiveFailures: 0 }));
    await start("/sick/spared", check({ gracePeriodSeconds: 300 }));
    await start("/sick/delayed", check({ delaySeconds: 300 }));
    const ids = ["/sick/replaced", "/sick/never", "/sick/spared", "/sick/delayed"];
    const [first, never, spared, delayed] = await Promise.all(ids.map(async (id) => (await untilRunning(id))[0]?.id));
    await until(
      async () => (await running("/sick/replaced"))[0]?.id !== first && (await running("/sick/replaced")).length > 0,
      {
        withinMs: 20_000,
        what: "another task in place of the sick one",
      },
    );
    await until(async () => (await running("/sick/never"))[0]?.healthCheckResults?.[0]?.alive === false, {
      withinMs: 10_000,
      what: "a task that is told to be sick",
    });
    assert.equal((await running("/sick/never"))[0]?.id, never, "a limit of 0 replaces nobody");
    for (const [id, task] of [
      ["/sick/spared", spared],
      ["/sick/delayed", delayed],
    ] as const) {
      const [still] = await running(id);
      assert.equal(still?.id, task, `${id} within its grace period, or before its first probe`);
      assert.notEqual(still?.healthCheckResults?.[0]?.alive, false);
    }
  },

  async "a check passes by what its port, path or command answers"() {
    const server = `require("node:http").createServer((request, response) => {
      response.statusCode = request.url === "/up" ? 204 : 500; response.end();
    }).listen(process.env.PORT1)`;
    const often = {
      gracePeriodSeconds: 0,
      intervalSeconds: 0.3,
      timeoutSeconds: 0.2,
      delaySeconds: 0,
      maxConsecutiveFailures: 0,
    };
    const checked: readonly (readonly [name: string, check: Json, isHealthy: boolean])[] = [
      ["path", { path: "/up", portIndex: 1 }, true],
      ["other-path", { path: "/", portIndex: 1 }, false],
      ["closed-port", { path: "/up", portIndex: 0 }, false],
      ["fixed-port", { path: "/v2/info", port: Number(new URL(url).port) }, true],
      ["tls", { protocol: "HTTPS", path: "/up", portIndex: 1 }, false],
      ["agents-own", { protocol: "MESOS_HTTP", path: "/up", portIndex: 1 }, true],
      ["tcp", { protocol: "TCP", portIndex: 1 }, true],
      ["tcp-closed", { protocol: "MESOS_TCP", portIndex: 0 }, false],
      ["command", { protocol: "COMMAND", command: { value: 'test "$PORTS" = "$PORT0,$PORT1"' } }, true],
      ["command-false", { protocol: "COMMAND", command: { value: "exit 1" } }, false],
    ];
    await Promise.all(
      checked.map(([name, check]) =>
        start(`/check/${name}`, {
          args: [process.execPath, "-e", server],
          portDefinitions: [{}, { name: "http" }],
          healthChecks: [{ ...often, ...check }],
        }),
      ),
    );
    // Who fails at first may only be slow to listen, so that the healthy ones are awaited before the others are believed.
    const alive = async (name: string) => (await running(`/check/${name}`))[0]?.healthCheckResults?.[0]?.alive;
    for (const isHealthy of [true, false])
      for (const [name] of checked.filter((each) => each[2] === isHealthy))
        await until(async () => (await alive(name)) === isHealthy, { withinMs: 20_000, what: `${name}: ${isHealthy}` });
  },

  async "an instance is ready when its check is answered in its protocol"() {
    const server = 'require("node:http").createServer((_, response) => response.end()).listen(process.env.PORT)';
    const app = (protocol: string) => ({
      args: [process.execPath, "-e", server],
      portDefinitions: [{ name: "web" }],
      readinessChecks: [{ protocol, portName: "web", intervalSeconds: 0.3, timeoutSeconds: 0.2 }],
    });
    await start("/ready/http", app("HTTP"));
    await start("/ready/https", app("HTTPS"));
    const readiness = async (id: string): Promise<boolean | undefined> => {
      const { instances } = (await get(`/v1/instances?app=${id}`)) as { instances: { ready: boolean | null }[] };
      return instances[0]?.ready ?? undefined;
    };
    for (const [id, isReady] of [
      ["/ready/http", true],
      ["/ready/https", false],
    ] as const)
      await until(async () => (await readiness(id)) === isReady, { withinMs: 20_000, what: `${id}: ${isReady}` });
  },

  async "a container without an image is a process"() {
    await start("/container/none", { container: { type: "MESOS" }, cmd: `id -u > ${file("none")}; exec sleep 1000` });
    await start("/container/image", { container: { type: "MESOS", docker: { image: "muster-there-is-none:1" } } });
    assert.equal(await said("none", "\n"), `${process.getuid?.()}\n`);
    // An image is never run as something else: without an engine it waits for one, and with one it is missed.
    await until(
      async () => {
        const { waiting } = (await get("/v1/why?app=/container/image")) as { waiting: { refusals: Json[] } | null };
        const isWaiting = waiting?.refusals.some(({ check }) => check === "runtime");
        const { lastTaskFailure } = (await get("/v2/apps/container/image")).app as { lastTaskFailure?: Json };
        return isWaiting || /image muster-there-is-none/.test(String(lastTaskFailure?.message));
      },
      { withinMs: 20_000, what: "an image that nobody can run" },
    );
    assert.deepEqual(await running("/container/image"), []);
  },

  async "what fits nowhere waits and says why"() {
    const asked: readonly (readonly [name: string, more: Json, reason: string])[] = [
      ["cpus", { cpus: 9_999 }, "InsufficientCpus"],
      ["mem", { mem: 99_999_999 }, "InsufficientMemory"],
      ["disk", { disk: 999_999_999 }, "InsufficientDisk"],
      ["gpus", { gpus: 9_999 }, "InsufficientGpus"],
      ["roles", { acceptedResourceRoles: ["gpu-pool"] }, "UnfulfilledRole"],
      ["constraints", { constraints: [["rack", "CLUSTER", "nowhere"]] }, "UnfulfilledConstraint"],
    ];
    await Promise.all(asked.map(([name, more]) => start(`/waits/${name}`, { cmd: "exec sleep 1000", ...more })));
    for (const [name, , reason] of asked)
      await until(async () => JSON.stringify(await queued(`/waits/${name}`))?.includes(`"reason":["${reason}"]`), {
        withinMs: 20_000,
        what: `${name}: ${reason}`,
      });
  },
};

const settled = (id: string): Promise<unknown> =>
  until(async () => (((await get(`/v2/apps${id}`)).app as Json).deployments as unknown[]).length === 0, {
    withinMs: 20_000,
    what: `${id} as it was asked for`,
  });

describe("effects", { concurrency: true }, () => {
  for (const name of EFFECTS) test(name, EFFECT[name]);
});

test("every effect is some field's", () => {
  const named = new Set(ROWS.map(({ effect }) => ("here" in effect ? effect.here : null)));
  assert.deepEqual(
    EFFECTS.filter((name) => !named.has(name)),
    [],
  );
});
