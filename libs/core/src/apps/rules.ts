/** The list of apps whose specs have rules about other apps. The deployer takes an app off it when the app is gone. */
import { type AppSpec, appToken, keys, type RulesDocument, type StateView, type Write } from "@muster/contracts";
import { hasNeighbourRules } from "../rules/neighbours.ts";
import { isSame } from "./same.ts";

/**
 * The write that makes a new version's rules known, none where they are known already. Every placement asserts the list, so one
 * that was decided before the rules were there does not land. To be written after the app and the version: whoever has seen the
 * list at this revision must have seen what the rules say.
 */
export function makeRulesKnown(view: StateView, spec: AppSpec, standing: AppSpec | null): Write[] {
  if (!hasNeighbourRules(spec.placement)) return [];
  const apps = view.kind("rules").get("")?.value.apps ?? [];
  const token = appToken(spec.id);
  const isListed = apps.includes(token);
  if (isListed && standing !== null && isSame(rulesOf(spec), rulesOf(standing))) return [];
  const value: RulesDocument = { apps: isListed ? apps : [...apps, token] };
  return [{ key: keys.rules, value, expect: view.revision(keys.rules) }];
}

const rulesOf = ({ placement: { conflicts, antiAffinity } }: AppSpec) => ({ conflicts, antiAffinity });
