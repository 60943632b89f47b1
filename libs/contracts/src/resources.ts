/** Quantities as integers: thousandths of a cpu, mebibytes, whole gpus. Sums stay exact. */
import { z } from "zod";

const quantity = z.int().min(0);

export const ResourcesSchema = z.object({
  cpuMillis: quantity,
  memoryMib: quantity,
  diskMib: quantity,
  gpus: quantity,
});
export type Resources = z.infer<typeof ResourcesSchema>;

export const RESOURCE_NAMES = ["cpuMillis", "memoryMib", "diskMib", "gpus"] as const satisfies (keyof Resources)[];
export const NOTHING: Resources = { cpuMillis: 0, memoryMib: 0, diskMib: 0, gpus: 0 };

const each = (make: (name: keyof Resources) => number): Resources => ({
  cpuMillis: make("cpuMillis"),
  memoryMib: make("memoryMib"),
  diskMib: make("diskMib"),
  gpus: make("gpus"),
});

export const plus = (a: Resources, b: Resources): Resources => each((name) => a[name] + b[name]);
/** The difference, never below zero: an agent whose capacity shrank under what it holds has nothing free. */
export const minusFloor = (a: Resources, b: Resources): Resources => each((name) => Math.max(0, a[name] - b[name]));
export const times = (a: Resources, factor: number): Resources => each((name) => a[name] * factor);

/** The exact difference. Throws where more is released than is held: then our own arithmetic is wrong. */
export function minus(a: Resources, b: Resources): Resources {
  return each((name) => {
    if (a[name] < b[name]) throw new Error(`releasing ${b[name]} ${name} of ${a[name]} held`);
    return a[name] - b[name];
  });
}

/** Resources of an operator's own: whole amounts, and named things handed out one by one. */
export const CustomResourcesSchema = z.object({
  scalars: z.record(z.string(), quantity),
  sets: z.record(z.string(), z.array(z.string())),
});
export type CustomResources = z.infer<typeof CustomResourcesSchema>;
export const NO_CUSTOM_RESOURCES: CustomResources = { scalars: {}, sets: {} };

/** Inclusive port range. */
export const PortRangeSchema = z.object({ first: z.int().min(1).max(65_535), last: z.int().min(1).max(65_535) });
export type PortRange = z.infer<typeof PortRangeSchema>;

/** An agent's attribute, typed as Mesos types them. */
export const AttributeSchema = z.discriminatedUnion("type", [
  z.object({ type: z.literal("text"), value: z.string() }),
  z.object({ type: z.literal("scalar"), value: z.number() }),
  z.object({ type: z.literal("ranges"), value: z.array(z.object({ first: z.int(), last: z.int() })) }),
  z.object({ type: z.literal("set"), value: z.array(z.string()) }),
]);
export type Attribute = z.infer<typeof AttributeSchema>;

/** An attribute as constraints compare it: scalars to three decimals, `[1-2,5-6]`, `{a,b}` sorted (Marathon's rule). */
export function attributeText(attribute: Attribute): string {
  switch (attribute.type) {
    case "text":
      return attribute.value;
    case "scalar":
      return String(Number(attribute.value.toFixed(3)));
    case "ranges":
      return `[${attribute.value.map((range) => `${range.first}-${range.last}`).join(",")}]`;
    case "set":
      return `{${attribute.value.toSorted().join(",")}}`;
  }
}
