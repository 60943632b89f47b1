/** What must be true after every commit of placement, whoever made it and on whatever it was decided. */
import assert from "node:assert/strict";
import {
  type AppSpec,
  appToken,
  type HoldDocument,
  keys,
  type LedgerDocument,
  type OfferDocument,
  type StateView,
} from "@muster/contracts";
import { forbidden, heldOn, RESOURCES, type Row, resourcesOf, rowsOf, specOfVersion } from "./oracle.ts";

export type Landed = {
  readonly before: StateView;
  readonly after: StateView;
  /** What the decision rested on. */
  readonly seen: StateView;
  readonly now: number;
  readonly isMoving: boolean;
};

const nameOf = (row: Row): string => `${row.app} slot ${row.slot} attempt ${row.attempt}`;

export class Checker {
  readonly #placedEver = new Set<string>();

  check(landed: Landed): void {
    const { before, after } = landed;
    const rows = rowsOf(after);
    const known = new Set(rowsOf(before).map(nameOf));
    const fresh = rows.filter((row) => !known.has(nameOf(row)));
    for (const row of fresh) {
      assert.ok(!this.#placedEver.has(nameOf(row)), `${nameOf(row)} was placed before`);
      this.#placedEver.add(nameOf(row));
    }
    checkSums(after, rows);
    checkAgents(landed, fresh);
    checkRules(landed, rows, fresh);
    checkGangs(after, rows, fresh);
    checkHold(landed, fresh);
    checkWaiting(after, rows);
    checkRecords(after, rows);
  }
}

function add(sums: Map<string, number>, name: string, amount: number): void {
  const sum = (sums.get(name) ?? 0) + amount;
  if (sum === 0) sums.delete(name);
  else sums.set(name, sum);
}

/** Every ledger is the exact sum of what stands on its agent. */
function checkSums(after: StateView, rows: readonly Row[]): void {
  for (const [agent, { value: ledger }] of after.kind("ledger")) {
    const sums = new Map<string, number>();
    const [ports, items] = [[] as number[], [] as string[]];
    for (const row of rows) {
      if (row.agent !== agent) continue;
      const spec = specOfVersion(after, row.app, row.version);
      const resources = resourcesOf(spec);
      for (const name of RESOURCES) add(sums, name, resources[name]);
      for (const [name, amount] of Object.entries(spec.custom.scalars)) add(sums, `custom ${name}`, amount);
      add(sums, `count ${appToken(row.app)} ${row.version}`, 1);
      ports.push(...row.ports);
      for (const [name, taken] of Object.entries(row.items)) for (const item of taken) items.push(`${name} ${item}`);
    }
    const told = new Map<string, number>();
    for (const name of RESOURCES) add(told, name, ledger.used[name]);
    for (const [name, amount] of Object.entries(ledger.custom.scalars)) add(told, `custom ${name}`, amount);
    for (const [app, versions] of Object.entries(ledger.instances))
      for (const [version, count] of Object.entries(versions)) add(told, `count ${app} ${version}`, count);
    assert.deepEqual(new Map([...told].sort()), new Map([...sums].sort()), `${agent}'s ledger adds up`);
    assert.deepEqual(ledger.ports.toSorted(), ports.toSorted(), `${agent}'s ports are those of its instances`);
    assert.equal(new Set(ports).size, ports.length, `no port of ${agent} twice`);
    const held = Object.entries(ledger.custom.sets).flatMap(([name, taken]) => taken.map((item) => `${name} ${item}`));
    assert.deepEqual(held.toSorted(), items.toSorted(), `${agent}'s items are those of its instances`);
    assert.equal(new Set(items).size, items.length, `no item of ${agent} twice`);
  }
}

/** What was placed is asked for, and its agent had it: an open gate, room, ports, items. */
function checkAgents({ after }: Landed, fresh: readonly Row[]): void {
  for (const row of fresh) {
    const offer = after.kind("offer").get(row.agent)?.value as OfferDocument;
    const ledger = after.kind("ledger").get(row.agent)?.value as LedgerDocument;
    const spec = specOfVersion(after, row.app, row.version);
    const wish = after
      .kind("wanted")
      .get(appToken(row.app))
      ?.value.rows.find(({ attempt }) => attempt === row.attempt);
    assert.ok(wish !== undefined && wish.goal === "run" && wish.version === row.version, `${nameOf(row)} is wanted`);
    assert.ok(wish.agent === null || wish.agent === row.agent, `${nameOf(row)} is wanted on ${wish.agent}`);
    assert.ok(ledger.gate.open, `${row.agent} is ${ledger.gate.reason}`);
    const asked = resourcesOf(spec);
    for (const name of RESOURCES)
      assert.ok(asked[name] === 0 || ledger.used[name] <= offer.capacity[name], `${row.agent} has too little ${name}`);
    checkPortsAndItems(row, spec, offer, ledger);
  }
}

function checkPortsAndItems(row: Row, spec: AppSpec, offer: OfferDocument, ledger: LedgerDocument): void {
  assert.equal(row.ports.length, spec.portDefinitions.length);
  for (const [i, port] of row.ports.entries()) {
    const asked = spec.portDefinitions[i]?.port ?? 0;
    assert.ok(!(spec.requirePorts && asked > 0) || port === asked, `${nameOf(row)} asked for port ${asked}`);
    assert.ok(
      offer.ports.some(({ first, last }) => port >= first && port <= last),
      `${row.agent} offers no port ${port}`,
    );
  }
  for (const name of Object.keys(spec.custom.scalars))
    assert.ok(
      (ledger.custom.scalars[name] ?? 0) <= (offer.custom.scalars[name] ?? 0),
      `${row.agent} has too few ${name}`,
    );
  for (const [name, asked] of Object.entries(spec.custom.sets)) {
    const items = row.items[name] ?? [];
    assert.ok(typeof asked === "number" ? items.length === asked : asked.every((item) => items.includes(item)));
    for (const item of items)
      assert.ok(offer.custom.sets[name]?.includes(item), `${row.agent} has no ${item} of ${name}`);
  }
}

/** No rule forbids what was placed, given all that stands now. */
function checkRules({ after, seen, isMoving }: Landed, rows: readonly Row[], fresh: readonly Row[]): void {
  // By attributes that changed meanwhile nothing can be counted; the rules between apps on one agent hold all the same.
  if (isMoving) return;
  const known = new Set(rowsOf(seen).map(nameOf));
  const seenBeside = (row: Row) =>
    rows.filter((each) => each !== row && (each.app === row.app || known.has(nameOf(each))));
  for (const row of fresh) {
    const counted = rows.filter((each) => each.app === row.app && each.version === row.version).length;
    const instances = counted + missingOf(after, rows, row.app, row.version);
    const others = rows.filter((each) => each !== row);
    const question = { state: after, app: row.app, version: row.version, agent: row.agent, instances, seen };
    const reason = forbidden({ ...question, rows: others });
    // The first instance of its kind is free; that others of it came at the same time makes it no less the first.
    const wasFirst = reason?.startsWith("affinity") && forbidden({ ...question, rows: seenBeside(row) }) === null;
    if (wasFirst) continue;
    assert.equal(reason, null, `${nameOf(row)} on ${row.agent}`);
  }
}

const missingOf = (state: StateView, rows: readonly Row[], app: string, version: number): number => {
  const ended = state.kind("placed").get(appToken(app))?.value.ended ?? [];
  const answered = new Set([...rows.filter((row) => row.app === app), ...ended].map(({ attempt }) => attempt));
  const wanted = state.kind("wanted").get(appToken(app))?.value.rows ?? [];
  return wanted.filter((row) => row.goal === "run" && row.version === version && !answered.has(row.attempt)).length;
};

/** Whoever places a member of a gang leaves none of them waiting. */
function checkGangs(after: StateView, rows: readonly Row[], fresh: readonly Row[]): void {
  for (const { app, version } of fresh)
    if (specOfVersion(after, app, version).placement.gang !== null)
      assert.equal(missingOf(after, rows, app, version), 0, `${app} is placed whole`);
}

/** Nobody takes what a gang holds. A hold made on the world as it is has what it holds; on an older one it may have come too late. */
function checkHold({ before, after, seen, now }: Landed, fresh: readonly Row[]): void {
  const hold = after.kind("hold").get("")?.value ?? null;
  for (const row of fresh) if (row.app !== hold?.app) checkHeld(after, hold, row, now);
  const isMade = hold !== null && after.revision(keys.hold) !== before.revision(keys.hold);
  if (!isMade) return;
  const held = before.kind("hold").get("")?.value ?? null;
  const isTaken = held !== null && held.untilMs > now && held.app !== hold.app;
  const isWaiting = isTaken && after.kind("waiting").get(appToken(held.app))?.value.holdFromMs != null;
  assert.ok(!isWaiting, `${held?.app} still waits, and ${hold.app} took its hold`);
  if (seen !== before) return;
  const spec = specOfVersion(after, hold.app, hold.version);
  assert.ok(spec.placement.gang !== null, `${hold.app} is a gang`);
  for (const agent of Object.keys(hold.members)) checkHeld(after, hold, { ...hold, agent }, now);
}

/** Whatever is said of the present wish is true: an old decision must not explain what was answered meanwhile. */
function checkWaiting(after: StateView, rows: readonly Row[]): void {
  for (const { value } of after.kind("waiting").values()) {
    if (value.wantedRevision !== after.revision(keys.wanted(value.app))) continue;
    const wanted = after.kind("wanted").get(appToken(value.app))?.value.rows ?? [];
    const versions = new Set(wanted.map((row) => row.version));
    const missing = [...versions].reduce((sum, version) => sum + missingOf(after, rows, value.app, version), 0);
    assert.equal(value.count, missing, `${value.app} waits for as many as are missing`);
  }
}

function checkHeld(
  state: StateView,
  hold: HoldDocument | null,
  { app, version, agent }: Pick<Row, "app" | "version" | "agent">,
  now: number,
): void {
  const held = heldOn(state, hold, agent, now);
  if (held === null) return;
  const offer = state.kind("offer").get(agent)?.value as OfferDocument;
  const ledger = state.kind("ledger").get(agent)?.value as LedgerDocument;
  const asked = resourcesOf(specOfVersion(state, app, version));
  for (const name of RESOURCES)
    assert.ok(
      asked[name] === 0 || offer.capacity[name] - ledger.used[name] >= held[name],
      `${hold?.app} holds ${held[name]} ${name} on ${agent}, taken by ${app}`,
    );
}

/** Agents are told of each row as it stands. */
function checkRecords(after: StateView, rows: readonly Row[]): void {
  const records = after.kind("instance");
  for (const row of rows) {
    const record = records.get(keys.instance(row.agent, row).slice("instance.".length))?.value;
    assert.equal(record?.goal, row.goal, `the record of ${nameOf(row)}`);
  }
}
