/** Arithmetic of custom resources: what an instance takes is added to what is taken, and given back exactly. */
import type { CustomAsk, CustomResources } from "@muster/contracts";

export type CustomShare = {
  readonly scalars: CustomAsk["scalars"];
  readonly items: Readonly<Record<string, string[]>>;
};

export function addCustom(taken: CustomResources, { scalars, items }: CustomShare): CustomResources {
  const sum: CustomResources = { scalars: { ...taken.scalars }, sets: { ...taken.sets } };
  for (const [name, amount] of Object.entries(scalars)) sum.scalars[name] = (sum.scalars[name] ?? 0) + amount;
  for (const [name, more] of Object.entries(items)) sum.sets[name] = [...(sum.sets[name] ?? []), ...more];
  return sum;
}

/** Throws where more is given back than was taken: then our own arithmetic is wrong. */
export function subtractCustom(taken: CustomResources, { scalars, items }: CustomShare): CustomResources {
  const rest: CustomResources = { scalars: { ...taken.scalars }, sets: { ...taken.sets } };
  for (const [name, amount] of Object.entries(scalars)) {
    const left = (rest.scalars[name] ?? 0) - amount;
    if (left < 0) throw new Error(`releasing ${amount} ${name} of ${rest.scalars[name] ?? 0} held`);
    if (left === 0) delete rest.scalars[name];
    else rest.scalars[name] = left;
  }
  for (const [name, given] of Object.entries(items)) {
    const held = rest.sets[name] ?? [];
    const strange = given.find((item) => !held.includes(item));
    if (strange !== undefined) throw new Error(`releasing ${strange} of ${name}, which is not held`);
    const left = held.filter((item) => !given.includes(item));
    if (left.length === 0) delete rest.sets[name];
    else rest.sets[name] = left;
  }
  return rest;
}
