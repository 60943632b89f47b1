/** What a constraint's field reads from an agent, as text; null where the agent has no such field. */
import { attributeText, type OfferDocument } from "@muster/contracts";

export function fieldValue(field: string, offer: OfferDocument): string | null {
  switch (field) {
    case "hostname":
    case "@hostname":
      return offer.hostname;
    case "@agent":
      return offer.agent;
    case "@region":
      return offer.region;
    case "@zone":
      return offer.zone;
    default: {
      const attribute = Object.hasOwn(offer.attributes, field) ? offer.attributes[field] : undefined;
      return attribute === undefined ? null : attributeText(attribute);
    }
  }
}

/** A field as people say it: `hostname`. */
export const fieldName = (field: string): string => field.replace(/^@/, "");
