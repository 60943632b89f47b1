/** Rules about other apps under every interleaving of two workers and the gateway: what they forbid never stands. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { appToken, type Decision, keys, readApp, type WantedRow } from "@muster/contracts";
import { decideUpdate } from "@muster/core";
import { circumstances, drawId, perform } from "@muster/runtime";
import { type NatsServer, startNatsServer, until } from "@muster/testkit";
import { ALL_SERVICES, Operator, openTestCluster, startServices } from "../support/control-plane.ts";
import { careless, type Worker, World } from "../support/world.ts";

let server: NatsServer;
let world: World;
before(async () => {
  server = await startNatsServer();
  world = await World.open(server.url);
});
after(async () => {
  await world.close();
  await server.stop();
});

let rounds = 0;
/** Names, and a rack with two agents, that no other round has. */
async function newRound(): Promise<{ ruler: string; other: string; rack: string }> {
  rounds += 1;
  const rack = `r${rounds}`;
  for (const agent of [`n${rounds}a`, `n${rounds}b`])
    await world.agent(agent, { attributes: { rack: { type: "text", value: rack } } });
  return { ruler: `/ruler${rounds}`, other: `/other${rounds}`, rack };
}

const about = (app: string) => ({
  app,
  deploymentId: drawId(),
  force: true,
  by: { who: "test", from: "test" },
  submitted: null,
  trace: null,
});
const reading = (id: string, spec: object) => readApp({ id, cmd: "sleep 1000", cpus: 1, mem: 64, ports: [], ...spec });
/** As the gateway does it, and then as the deployer: one wish for the app's version. */
async function ask({ cluster }: Worker, app: string, spec: object): Promise<void> {
  await perform(cluster.nats, cluster.stateCommitter, "/test", () => {
    const update = { read: () => reading(app, spec), mustExist: false };
    return decideUpdate(cluster.state, about(app), update, circumstances()).decision;
  });
  const version = cluster.state.kind("app").get(appToken(app))?.value.version as number;
  const row: WantedRow = { slot: 0, attempt: version % 1_000_000, version, goal: "run", agent: null };
  await world.want(app, [row]);
}

const agents = (app: string) => world.placed(app).map(({ agent }) => agent);

/** Both workers go on until neither places anything. */
async function settle(apps: readonly string[]): Promise<void> {
  for (let quiet = 0; quiet < 2; ) {
    quiet += 1;
    for (const worker of [world.a, world.b])
      for (const app of apps) {
        const decision = worker.decide(app);
        await worker.commit(decision);
        await world.agree();
        if (decision.writes.some(({ key }) => key.startsWith("instance."))) quiet = 0;
      }
  }
}

type Step = "ask" | "decide" | "commit";
const STEPS: readonly Step[] = ["ask", "decide", "commit"];

/** All twenty orders of what happens to two apps, each asked for, decided on and committed. */
function interleavings(a: number, b: number): [who: "ruler" | "other", what: Step][][] {
  if (a === STEPS.length && b === STEPS.length) return [[]];
  const next = (who: "ruler" | "other", at: number, rest: () => ReturnType<typeof interleavings>) =>
    at === STEPS.length ? [] : rest().map((steps) => [[who, STEPS[at] as Step] as ["ruler", Step], ...steps]);
  return [
    ...next("ruler", a, () => interleavings(a + 1, b)),
    ...next("other", b, () => interleavings(a, b + 1)),
  ] as ReturnType<typeof interleavings>;
}

type Rule = {
  readonly name: string;
  /** The ruler's placement, and the least that the other app needs for being meant. */
  readonly placement: (other: string) => object;
  readonly labels: object;
  /** Only this agent is open to both; otherwise both agents of the rack. */
  readonly isOneAgent: boolean;
};
const RULES: readonly Rule[] = [
  { name: "Conflicts", placement: (other) => ({ conflicts: [`${other}*`] }), labels: {}, isOneAgent: true },
  {
    name: "anti-affinity to an app over a rack",
    placement: (other) => ({ antiAffinity: [{ app: other, over: "rack" }] }),
    labels: {},
    isOneAgent: false,
  },
  {
    name: "anti-affinity to labels over a rack",
    placement: (other) => ({ antiAffinity: [{ selector: `name=${appToken(other)}`, over: "rack" }] }),
    labels: {},
    isOneAgent: false,
  },
];
/** Beside each other on two agents of one rack, unless both may only run on the same one. */
const spotOf = (rule: Rule, who: "ruler" | "other"): object => ({
  constraints: [
    ["rack", "IS", `r${rounds}`],
    ["@hostname", "IS", `n${rounds}${rule.isOneAgent || who === "ruler" ? "a" : "b"}`],
  ],
});

for (const rule of RULES)
  describe(rule.name, () => {
    const specOf = (who: "ruler" | "other", names: { other: string }) => ({
      ...spotOf(rule, who),
      ...(who === "ruler" ? { placement: rule.placement(names.other) } : { labels: { name: appToken(names.other) } }),
    });

    for (const isKnown of [false, true])
      test(`two workers place both apps in any of twenty orders, and never do both stand${isKnown ? ", though the rule is new in an app that had others" : ""}`, {
        timeout: 60_000,
      }, async () => {
        const orders = interleavings(0, 0);
        assert.equal(orders.length, 20);
        for (const order of orders) {
          const names = await newRound();
          const apps = [names.ruler, names.other];
          if (isKnown)
            await ask(world.a, names.ruler, { ...specOf("ruler", names), placement: { conflicts: ["/nobody"] } });
          const told = order.map(([who, what]) => `${who} ${what}`).join(", ");
          const decided = new Map<string, Decision>();
          for (const [who, what] of order) {
            const worker = who === "ruler" ? world.a : world.b;
            const app = names[who];
            if (what === "ask") await ask(worker, app, specOf(who, names));
            else if (what === "decide") decided.set(app, worker.decide(app));
            else await worker.commit(decided.get(app) as Decision);
            await world.agree();
            assert.ok(apps.filter((each) => agents(each).length > 0).length <= 1, `both stand after ${told}`);
          }
          await settle(apps);
          const standing = apps.filter((each) => agents(each).length > 0);
          assert.equal(standing.length, 1, `${standing.join(" and ")} stand after ${told}`);
          const [late] = apps.filter((each) => agents(each).length === 0);
          const waiting = world.a.cluster.state.kind("waiting").get(appToken(late as string))?.value;
          assert.equal(
            waiting?.refusals.some(({ check }) => check === "conflicts"),
            true,
            JSON.stringify(waiting),
          );
        }
      });
  });

describe("what would land without the revisions", () => {
  const over = (other: string) => ({ placement: { antiAffinity: [{ app: other, over: "rack" }] } });
  const spots = RULES[1] as Rule;
  const bothStand = (names: { ruler: string; other: string }) =>
    agents(names.ruler).length === 1 && agents(names.other).length === 1;

  test("without `rules` an app placed while another one's rule came would stand beside it", async () => {
    const names = await newRound();
    await ask(world.b, names.other, spotOf(spots, "other"));
    const old = world.b.decide(names.other);
    await ask(world.a, names.ruler, { ...spotOf(spots, "ruler"), ...over(names.other) });
    assert.equal(await world.a.commit(world.a.decide(names.ruler)), true);
    assert.equal(await world.b.commit(old), false);
    assert.equal(await world.b.commit(careless(old, (key) => key !== keys.rules)), true);
    await world.agree();
    assert.equal(bothStand(names), true);
  });

  test("without `neighbour` an app with a rule by labels would not hear of one that comes at the same time", async () => {
    const names = await newRound();
    const labels = { labels: { name: appToken(names.other) } };
    const byLabels = { placement: { antiAffinity: [{ selector: `name=${appToken(names.other)}`, over: "rack" }] } };
    await ask(world.a, names.ruler, { ...spotOf(spots, "ruler"), ...byLabels });
    const old = world.a.decide(names.ruler);
    await ask(world.b, names.other, { ...spotOf(spots, "other"), ...labels });
    assert.equal(await world.b.commit(world.b.decide(names.other)), true);
    assert.equal(await world.a.commit(old), false);
    assert.equal(await world.a.commit(careless(old, (key) => key !== keys.neighbour(names.ruler))), true);
    await world.agree();
    assert.equal(bothStand(names), true);
  });
});

describe("a view in the middle of a batch", () => {
  const spots = RULES[2] as Rule;
  const specsOf = (names: { ruler: string; other: string }) => ({
    ruler: { ...spotOf(spots, "ruler"), placement: spots.placement(names.other) },
    other: { ...spotOf(spots, "other"), labels: { name: appToken(names.other) } },
  });
  /** Decides at the very moment at which the worker has read the key, and nothing of what comes after it. */
  function decideOn(worker: Worker, key: string, app: string): { decision(): Decision } {
    let decision: Decision | null = null;
    const stop = worker.cluster.state.onChange((change) => {
      if (change.key !== key) return;
      decision = worker.decide(app);
      stop();
    });
    return {
      decision() {
        assert.ok(decision !== null, `${key} was never read`);
        return decision;
      },
    };
  }

  test("whoever has read the list of rules knows what they say: it comes after the app and its version", async () => {
    const names = await newRound();
    const specs = specsOf(names);
    await ask(world.b, names.other, specs.other);
    const early = decideOn(world.b, keys.rules, names.other);
    await ask(world.a, names.ruler, specs.ruler);
    const late = world.a.decide(names.ruler);
    await world.b.commit(early.decision());
    await world.a.commit(late);
    await settle([names.ruler, names.other]);
    assert.equal(agents(names.ruler).length + agents(names.other).length, 1);
  });

  test("whoever has read that a neighbour came has read where it stands", {}, async () => {
    const names = await newRound();
    const specs = specsOf(names);
    await ask(world.a, names.ruler, specs.ruler);
    await ask(world.b, names.other, specs.other);
    const early = decideOn(world.a, keys.neighbour(names.ruler), names.ruler);
    assert.equal(await world.b.commit(world.b.decide(names.other)), true);
    await world.agree();
    await world.a.commit(early.decision());
    await settle([names.ruler, names.other]);
    assert.equal(agents(names.ruler).length + agents(names.other).length, 1);
  });
});

test("two workers that race for real, many times, never place both", { timeout: 60_000 }, async () => {
  for (let round = 0; round < 30; round += 1) {
    const rule = RULES[round % RULES.length] as Rule;
    const names = await newRound();
    const labels = { labels: { name: appToken(names.other) } };
    const place = async (worker: Worker, app: string) => {
      for (let tries = 0; tries < 50; tries += 1) {
        const decision = worker.decide(app);
        if (decision.writes.length === 0) return;
        await worker.commit(decision);
      }
    };
    const ruled = { ...spotOf(rule, "ruler"), placement: rule.placement(names.other) };
    await Promise.all([
      ask(world.a, names.ruler, ruled).then(() => place(world.a, names.ruler)),
      ask(world.b, names.other, { ...spotOf(rule, "other"), ...labels }).then(() => place(world.b, names.other)),
    ]);
    await world.agree();
    await settle([names.ruler, names.other]);
    const standing = [names.ruler, names.other].filter((each) => agents(each).length > 0);
    assert.equal(standing.length, 1, `${rule.name}, round ${round}: ${standing.join(" and ")} stand`);
  }
});

test("of many apps with rules that are created and deleted at once each is listed as long as it lives, and no longer", {
  timeout: 60_000,
}, async () => {
  const own = await startNatsServer();
  const services = await startServices(own.url, ALL_SERVICES);
  const operators = [new Operator(await openTestCluster(own.url)), new Operator(await openTestCluster(own.url))];
  try {
    const { state } = services.cluster;
    const listed = () => [...(state.kind("rules").get("")?.value.apps ?? [])].toSorted();
    const names = (kind: string) => Array.from({ length: 8 }, (_, i) => `/${kind}${i}`);
    const create = (id: string, i: number) =>
      (operators[i % 2] as Operator).create({
        id,
        cmd: "sleep 1000",
        instances: 0,
        placement: { conflicts: ["/db*"] },
      });
    await Promise.all(names("old").map(create));
    await until(() => listed().length === 8, { what: "eight listed apps" });
    await services.cluster.stateCommitter.commit(
      () => ({
        writes: [{ key: keys.neighbour("/old0"), value: { app: "/old0" }, expect: null }],
        asserts: [],
        events: [],
        wakes: [],
        trace: null,
      }),
      "/test",
    );
    await Promise.all([
      ...names("new").map(create),
      ...names("old").map((id, i) => (operators[i % 2] as Operator).remove(id)),
    ]);
    const tokens = names("new").map(appToken);
    await until(() => [...state.kind("app").keys()].toSorted().join() === tokens.join(), { what: "only new apps" });
    assert.deepEqual(listed(), tokens);
    assert.equal(state.kind("neighbour").size, 0);
  } finally {
    for (const { cluster } of operators) await cluster.close();
    await services.stop();
    await own.stop();
  }
});
