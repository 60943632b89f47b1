/** How many equal instances an agent would take if nothing else ran there. */
import { type OfferDocument, RESOURCE_NAMES } from "@muster/contracts";
import type { Ask } from "../ask.ts";
import { offersPort, portCount } from "../fleet/ports.ts";

/** Rules are left out; what asks for nothing fits without end. */
export function roomWhenEmpty({ resources, custom, ports }: Ask, offer: OfferDocument): number {
  const dynamic = ports.length === 0 ? Number.POSITIVE_INFINITY : Math.floor(portCount(offer.ports) / ports.length);
  const fixed = ports.flatMap((port) => port.fixed ?? []);
  return Math.min(
    ...RESOURCE_NAMES.map((name) => times(offer.capacity[name], resources[name])),
    ...Object.entries(custom?.scalars ?? {}).map(([name, asked]) => times(offer.custom.scalars[name] ?? 0, asked)),
    ...Object.entries(custom?.sets ?? {}).map(([name, asked]) => {
      const items = offer.custom.sets[name] ?? [];
      return typeof asked === "number" ? times(items.length, asked) : once(asked.every((item) => items.includes(item)));
    }),
    fixed.length === 0 ? dynamic : Math.min(dynamic, once(fixed.every((port) => offersPort(offer.ports, port)))),
  );
}

const times = (offered: number, asked: number): number =>
  asked === 0 ? Number.POSITIVE_INFINITY : Math.floor(offered / asked);
const once = (is: boolean): number => (is ? 1 : 0);
