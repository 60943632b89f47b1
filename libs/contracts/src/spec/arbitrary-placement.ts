/** Random wishes about where an app may run, in the form that `readApp` answers. */
import fc from "fast-check";
import type { AppSpec } from "./app.ts";
import {
  type AffinityTerm,
  type CustomAsk,
  type Expression,
  type LabelRequirement,
  type PlacementSpec,
  PRIORITIES,
  STRATEGIES,
} from "./placement.ts";
import { builtInMeant, isCustomName } from "./resource-names.ts";

/** Plain objects: what is read has a prototype too. */
const record = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> =>
  fc.record(model, { noNullPrototype: true }) as fc.Arbitrary<T>;

const word = fc.stringMatching(/^[a-zA-Z0-9_/.-]{1,8}$/);
const customName = word.filter((name) => isCustomName(name) && builtInMeant(name) === null);
const field = fc.oneof(fc.constantFrom("node", "@hostname", "@region", "@zone", "rack", "acme/disk"), customName);
const weight = fc.integer({ min: 1, max: 100 });
const label = fc.stringMatching(/^[A-Za-z0-9]([A-Za-z0-9_.-]{0,6}[A-Za-z0-9])?$/);
const domain = fc.stringMatching(/^[a-z0-9]([a-z0-9.-]{0,6}[a-z0-9])?$/);
const labelKey = fc.oneof(
  label,
  fc.tuple(domain, label).map((parts) => parts.join("/")),
  fc.constantFrom("in", "notin"),
);
const labelValue = fc.oneof(fc.constant(""), fc.constantFrom("in", "notin", ".", "-"), label);

const requirement: fc.Arbitrary<LabelRequirement> = fc.oneof(
  record({
    key: labelKey,
    operator: fc.constantFrom("exists" as const, "!exists" as const),
    values: fc.constant<string[]>([]),
  }),
  record({
    key: labelKey,
    operator: fc.constantFrom("=" as const, "!=" as const),
    values: fc.tuple(labelValue).map(([value]) => [value]),
  }),
  record({
    key: labelKey,
    operator: fc.constantFrom("in" as const, "notin" as const),
    values: fc.uniqueArray(labelValue, { minLength: 1, maxLength: 5 }),
  }),
);
export const arbitrarySelector: fc.Arbitrary<LabelRequirement[]> = fc.array(requirement, {
  minLength: 1,
  maxLength: 4,
});

const glob = fc
  .oneof(word, fc.stringMatching(/^[a-z*?~=! /é]{1,8}$/))
  .map((text) => text.trim())
  .filter((text) => text !== "" && !/^[=~]/.test(text) && !/^\/.*\/$/.test(text));
const regex = fc.constantFrom(".*", "eu-.+", "(?i)SSD|nvme", " a ", "a/b", "[=~]", "~", "/");
const pattern: fc.Arbitrary<Expression["pattern"]> = fc.oneof(
  record({ type: fc.constant("glob" as const), text: glob }),
  record({ type: fc.constant("regex" as const), text: regex }),
);
export const arbitraryExpression: fc.Arbitrary<Expression> = record({
  field,
  operator: fc.constantFrom("==" as const, "!=" as const),
  pattern,
  isSoft: fc.boolean(),
});

const affinityTerm = (id: fc.Arbitrary<string>): fc.Arbitrary<AffinityTerm> =>
  fc
    .tuple(
      fc.oneof(
        id.map((app) => ({ app, selector: null })),
        arbitrarySelector.map((selector) => ({ app: null, selector })),
      ),
      fc.oneof(fc.constant("@hostname"), field),
      fc.option(weight),
    )
    .map(([target, over, weight]) => ({ ...target, over, weight }));

const conflict = fc.stringMatching(/^[a-z0-9*?-]{1,6}(\/[a-z0-9*?-]{1,6})?$/).map((text) => `/${text}`);

/** Of an app that has `instances` of its own; `id` draws ids of other apps. */
const chosenPlacement = (id: fc.Arbitrary<string>): fc.Arbitrary<PlacementSpec> =>
  record({
    strategy: fc.option(fc.constantFrom(...STRATEGIES)),
    spreadOver: fc.uniqueArray(record({ field, weight }), { maxLength: 3, selector: (each) => each.field }),
    expressions: fc.array(arbitraryExpression, { maxLength: 3 }),
    affinity: fc.array(affinityTerm(id), { maxLength: 2 }),
    antiAffinity: fc.array(affinityTerm(id), { maxLength: 2 }),
    machineId: fc.option(fc.constantFrom("n7", "host-1.rack_2")),
    machineOf: fc.option(id),
    machineMetadata: fc.array(record({ key: field, value: word }), { maxLength: 3 }),
    conflicts: fc.array(conflict, { maxLength: 2 }),
    isGlobal: fc.constant(false),
    gang: fc.option(
      fc.oneof(
        fc.constant({ patienceSeconds: 30, holdSeconds: 300 }),
        record({ patienceSeconds: fc.nat(100), holdSeconds: fc.double({ min: 0.5, max: 1_000, noNaN: true }) }),
      ),
    ),
    priority: fc.constantFrom(...PRIORITIES),
  });

const globalOf = (placement: PlacementSpec): PlacementSpec => ({
  ...placement,
  strategy: null,
  spreadOver: [],
  affinity: [],
  antiAffinity: [],
  machineId: null,
  machineOf: null,
  isGlobal: true,
  gang: null,
});

export const arbitraryPlacement = (id: fc.Arbitrary<string>): fc.Arbitrary<PlacementSpec> =>
  fc
    .tuple(chosenPlacement(id), fc.integer({ min: 0, max: 4 }))
    .map(([placement, die]) => (die === 0 ? globalOf(placement) : placement));

export const arbitraryCustom: fc.Arbitrary<CustomAsk> = fc
  .uniqueArray(
    record({
      name: customName,
      asked: fc.oneof(
        fc.nat(100),
        record({ any: fc.integer({ min: 1, max: 100 }) }),
        fc.uniqueArray(word, { minLength: 1, maxLength: 4 }),
      ),
    }),
    { maxLength: 3, selector: ({ name }) => name },
  )
  .map((asks) => {
    const custom: CustomAsk = { scalars: {}, sets: {} };
    for (const { name, asked } of asks) {
      if (typeof asked === "number") custom.scalars[name] = asked;
      else custom.sets[name] = Array.isArray(asked) ? asked : asked.any;
    }
    return custom;
  });

/** How far limits lie above what is asked for. */
export type Headroom = { readonly cpus: number | "unlimited" | null; readonly mem: number | "unlimited" | null };
const above = fc.oneof(fc.constant(null), fc.constant("unlimited" as const), fc.constant(0), fc.nat(1_000));
export const arbitraryHeadroom: fc.Arbitrary<Headroom> = record({ cpus: above, mem: above });

/** Makes what was drawn apart fit together, as the reader asks for it. */
export function fitPlacement(spec: Omit<AppSpec, "limits">, headroom: Headroom): AppSpec {
  const limit = (asked: number, room: number | "unlimited" | null) =>
    typeof room === "number" ? Math.max(0.001, asked + room) : room;
  const limits = { cpus: limit(spec.cpus, headroom.cpus), mem: limit(spec.mem, headroom.mem) };
  const { machineOf, isGlobal, gang } = spec.placement;
  const placement = { ...spec.placement, machineOf: machineOf === spec.id ? null : machineOf };
  const instances = isGlobal ? 1 : Math.min(spec.instances, gang === null ? spec.instances : 400);
  return { ...spec, limits, placement, instances };
}
