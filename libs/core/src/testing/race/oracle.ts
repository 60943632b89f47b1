/**
 * Where one more instance may stand, said again in the plainest way: no columns, no memory, none of the engine's code. What the
 * engine does is held against it from both sides: what it places must be allowed, what it refuses must be forbidden.
 */
import {
  type AffinityTerm,
  type AppSpec,
  appIdOf,
  appToken,
  type Constraint,
  type Expression,
  type HoldDocument,
  type LedgerDocument,
  matchesSelector,
  type OfferDocument,
  type PlacedRow,
  type Resources,
  type StateView,
} from "@muster/contracts";

export type Row = PlacedRow & { readonly app: string };

export type Question = {
  readonly state: StateView;
  /** All rows that stand, without the one that is asked about. */
  readonly rows: readonly Row[];
  readonly app: string;
  readonly version: number;
  readonly agent: string;
  /** How many of the version there should be. */
  readonly instances: number;
  /** Agents as whoever decided saw them: a GROUP_BY without a number goes by their values. */
  readonly seen: StateView;
};

export const specOfVersion = (state: StateView, app: string, version: number): AppSpec =>
  state.kind("version").get(`${appToken(app)}.${version}`)?.value.spec as AppSpec;
const offerOf = (state: StateView, agent: string): OfferDocument | undefined => state.kind("offer").get(agent)?.value;

export function textOf(offer: OfferDocument | undefined, field: string): string | null {
  if (offer === undefined) return null;
  if (field === "hostname" || field === "@hostname" || field === "node") return offer.hostname;
  if (field === "@zone") return offer.zone;
  const attribute = offer.attributes[field];
  return attribute === undefined ? null : String(attribute.value);
}

const whole = (pattern: string): RegExp => new RegExp(`^(?:${pattern})$`, "s");
const globToPattern = (glob: string): string =>
  glob
    .replaceAll(/[.+^${}()|[\]\\/]/g, "\\$&")
    .replaceAll("*", ".*")
    .replaceAll("?", ".");

/** Why the agent is not for this app at all, whatever stands where; null when it is. */
export function notForApp(spec: AppSpec, offer: OfferDocument): string | null {
  const roles = spec.acceptedResourceRoles.length === 0 ? ["*"] : spec.acceptedResourceRoles;
  if (!roles.includes(offer.role)) return "role";
  if (!offer.runtimes.includes("process")) return "runtime";
  const { machineId, machineMetadata, expressions } = spec.placement;
  if (machineId !== null && machineId !== offer.agent) return "machineId";
  for (const { key } of machineMetadata)
    if (!machineMetadata.some((each) => each.key === key && each.value === textOf(offer, key))) return "metadata";
  const constraint = spec.constraints.find((each) => !keepsAlone(each, offer));
  if (constraint !== undefined) return `constraint ${constraint.field} ${constraint.operator}`;
  return expressions.some((each) => !each.isSoft && !holds(each, offer)) ? "expression" : null;
}

function keepsAlone({ field, operator, value }: Constraint, offer: OfferDocument): boolean {
  const own = textOf(offer, field);
  if (own === null) return operator === "UNLIKE";
  switch (operator) {
    case "LIKE":
      return whole(value as string).test(own);
    case "UNLIKE":
      return !whole(value as string).test(own);
    case "IS":
      return own === value;
    case "CLUSTER":
      return value === null || own === value;
    default:
      return true;
  }
}

function holds({ field, operator, pattern }: Expression, offer: OfferDocument): boolean {
  const own = textOf(offer, field);
  const matches = own !== null && whole(pattern.type === "glob" ? globToPattern(pattern.text) : pattern.text).test(own);
  return (operator === "==") === matches;
}

/** Why a rule forbids it; null when none does. */
export function forbidden(question: Question): string | null {
  const { state, app, version, agent } = question;
  const spec = specOfVersion(state, app, version);
  const offer = offerOf(state, agent);
  if (offer === undefined) return "no offer";
  return (
    notForApp(spec, offer) ??
    firstOf(spec.constraints, (constraint) => counted(constraint, question, spec)) ??
    besideOthers(question, spec)
  );
}

function firstOf<T>(items: readonly T[], of: (item: T) => string | null): string | null {
  for (const item of items) {
    const found = of(item);
    if (found !== null) return found;
  }
  return null;
}

function counted(constraint: Constraint, question: Question, spec: AppSpec): string | null {
  const { state, rows, app, version, agent, instances, seen } = question;
  const { field, operator, value } = constraint;
  const here = textOf(offerOf(state, agent), field);
  if (here === null) return operator === "UNLIKE" ? null : `${field} missing`;
  const own = rows
    .filter((row) => row.app === app && row.version === version)
    .flatMap((row) => textOf(offerOf(state, row.agent), field) ?? []);
  const count = (of: string) => own.filter((each) => each === of).length;
  switch (operator) {
    case "UNIQUE":
      return count(here) > 0 ? `${field} UNIQUE` : null;
    case "MAX_PER":
      return count(here) >= Number(value) ? `${field} MAX_PER` : null;
    case "CLUSTER":
      return value === null && own.length > 0 && own[0] !== here ? `${field} CLUSTER` : null;
    case "GROUP_BY": {
      const groups = value === null ? knownValues(seen, spec, field) : Number(value);
      const used = new Set(own);
      if (!used.has(here)) return used.size >= groups ? `${field} GROUP_BY: groups` : null;
      const share = Math.floor(instances / groups);
      if (count(here) < share) return null;
      const larger = [...used].filter((each) => count(each) > share).length;
      return count(here) === share && larger < instances % groups ? null : `${field} GROUP_BY: share`;
    }
    default:
      return null;
  }
}

function knownValues(state: StateView, spec: AppSpec, field: string): number {
  const values = new Set<string>();
  for (const [agent, { value: offer }] of state.kind("offer")) {
    const value = textOf(offer, field);
    const isGone = state.kind("ledger").get(agent)?.value.gate.reason === "removed";
    if (value !== null && !isGone && notForApp(spec, offer) === null) values.add(value);
  }
  return Math.max(1, values.size);
}

/** Affinities, anti-affinities and conflicts, the app's own and those of others about it. */
function besideOthers(question: Question, spec: AppSpec): string | null {
  const { state, rows, app, version, agent } = question;
  const { affinity, antiAffinity, machineOf, conflicts } = spec.placement;
  const meets = (row: Row, over: string): boolean => {
    const value = textOf(offerOf(state, agent), over);
    return value !== null && textOf(offerOf(state, row.agent), over) === value;
  };
  const isOwn = (row: Row) => row.app === app && row.version === version;
  const isOther = (row: Row) => row.app !== app;
  const labelsOf = (row: Row) => specOfVersion(state, row.app, row.version).labels;
  const isSelf = (term: AffinityTerm) => meant(term, app, spec.labels);
  const meansRow = (term: AffinityTerm, row: Row): boolean =>
    isOwn(row) ? isSelf(term) : isOther(row) && meant(term, row.app, labelsOf(row));

  for (const term of [
    ...affinity,
    ...(machineOf === null ? [] : [{ app: machineOf, selector: null, over: "@hostname", weight: null }]),
  ]) {
    if (term.weight !== null) continue;
    if (textOf(offerOf(state, agent), term.over) === null) return `affinity over ${term.over}: missing`;
    const company = rows.filter(
      (row) =>
        meansRow(term, row) &&
        (isOwn(row) || row.goal === "run") &&
        textOf(offerOf(state, row.agent), term.over) !== null,
    );
    if (!company.some((row) => meets(row, term.over)) && !(isSelf(term) && company.length === 0))
      return `affinity over ${term.over}`;
  }
  for (const term of antiAffinity)
    if (term.weight === null && rows.some((row) => meansRow(term, row) && meets(row, term.over)))
      return `anti-affinity over ${term.over}`;
  for (const pattern of conflicts)
    if (rows.some((row) => isOther(row) && row.agent === agent && whole(globToPattern(pattern)).test(row.app)))
      return `conflicts ${pattern}`;
  for (const row of rows) {
    if (!isOther(row)) continue;
    const rule = specOfVersion(state, row.app, row.version).placement;
    if (row.agent === agent && rule.conflicts.some((pattern) => whole(globToPattern(pattern)).test(app)))
      return `${row.app} conflicts`;
    for (const term of rule.antiAffinity)
      if (term.weight === null && meant(term, app, spec.labels) && meets(row, term.over))
        return `${row.app} anti-affinity over ${term.over}`;
  }
  return null;
}

const meant = (term: AffinityTerm, app: string, labels: Readonly<Record<string, string>>): boolean =>
  term.app === null ? matchesSelector(term.selector ?? [], labels) : term.app === app;

export const resourcesOf = (spec: AppSpec): Resources => ({
  cpuMillis: Math.round(spec.cpus * 1_000),
  memoryMib: spec.mem,
  diskMib: spec.disk,
  gpus: spec.gpus,
});
export const RESOURCES = ["cpuMillis", "memoryMib", "diskMib", "gpus"] as const;

/** How many instances the agent has room for, with `held` members of a gang's kept free. */
export function roomFor(
  spec: AppSpec,
  offer: OfferDocument,
  ledger: LedgerDocument,
  held: Resources | null,
  most: number,
): number {
  if (!ledger.gate.open) return 0;
  const ask = resourcesOf(spec);
  const [portsFree, setsFree] = [freePorts(offer, ledger), freeSets(offer, ledger)];
  for (let count = 1; count <= most; count += 1) {
    const fits =
      RESOURCES.every(
        (name) =>
          ask[name] === 0 || offer.capacity[name] - ledger.used[name] - (held?.[name] ?? 0) >= count * ask[name],
      ) &&
      Object.entries(spec.custom.scalars).every(
        ([name, asked]) => (offer.custom.scalars[name] ?? 0) - (ledger.custom.scalars[name] ?? 0) >= count * asked,
      ) &&
      Object.entries(spec.custom.sets).every(([name, asked]) => {
        const free = setsFree(name);
        return typeof asked === "number"
          ? free.length >= count * asked
          : count === 1 && asked.every((item) => free.includes(item));
      }) &&
      portsFit(spec, portsFree, count);
    if (!fits) return count - 1;
  }
  return most;
}

const freePorts = (offer: OfferDocument, ledger: LedgerDocument): number[] =>
  offer.ports
    .flatMap(({ first, last }) => Array.from({ length: last - first + 1 }, (_, i) => first + i))
    .filter((port) => !ledger.ports.includes(port));
const freeSets =
  (offer: OfferDocument, ledger: LedgerDocument) =>
  (name: string): string[] =>
    (offer.custom.sets[name] ?? []).filter((item) => !(ledger.custom.sets[name] ?? []).includes(item));

function portsFit(spec: AppSpec, free: readonly number[], count: number): boolean {
  const asked = spec.portDefinitions;
  const fixed = spec.requirePorts ? asked.filter(({ port }) => port > 0) : [];
  if (fixed.length > 0 && count > 1) return false;
  return fixed.every(({ port }) => free.includes(port)) && asked.length * count <= free.length;
}

/** What a gang holds on the agent, or null. */
export function heldOn(state: StateView, hold: HoldDocument | null, agent: string, now: number): Resources | null {
  const members = hold !== null && hold.untilMs > now ? (hold.members[agent] ?? 0) : 0;
  if (hold === null || members === 0) return null;
  const each = resourcesOf(specOfVersion(state, hold.app, hold.version));
  return {
    cpuMillis: each.cpuMillis * members,
    memoryMib: each.memoryMib * members,
    diskMib: each.diskMib * members,
    gpus: each.gpus * members,
  };
}

export const rowsOf = (state: StateView): Row[] =>
  [...state.kind("placed")].flatMap(([token, { value }]) => value.rows.map((row) => ({ ...row, app: appIdOf(token) })));
