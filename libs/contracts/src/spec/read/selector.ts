/**
 * Label selectors in Kubernetes' grammar: `tier=db,env in (prod,qa),!legacy`; commas mean "and". Marathon's selectors, which
 * `GET /v2/apps?label=` takes, are another language: there every form asks that the label exists.
 */
import { unreachable } from "../../errors.ts";
import { SPEC_TERMS_MAX } from "../../limits.ts";
import type { LabelRequirement } from "../placement.ts";
import { type Parsed, quote } from "./terms.ts";

const NAME_CHARS_MAX = 63;
const PREFIX_CHARS_MAX = 253;
const VALUE_CHARS_MAX = 63;
const FORMS = '"a=b", "a!=b", "a in (b,c)", "a notin (b,c)", "a" or "!a"';

/** Never throws. The text form is that of `renderSelector`; space around the parts is allowed. */
export function parseSelector(text: string): Parsed<LabelRequirement[]> {
  const terms = splitAtCommas(text);
  if (terms.length > SPEC_TERMS_MAX) return { fault: `a selector has ${SPEC_TERMS_MAX} requirements at most` };
  const requirements: LabelRequirement[] = [];
  for (const term of terms) {
    const parsed = parseRequirement(term.trim());
    if ("fault" in parsed) return parsed;
    requirements.push(parsed.value);
  }
  return { value: requirements };
}

/** The text that `parseSelector` reads back as the same. */
export const renderSelector = (requirements: readonly LabelRequirement[]): string =>
  requirements.map(renderRequirement).join(",");

/** True when the labels meet every requirement. As in Kubernetes, `!=` and `notin` are also met where the key is absent. */
export function matchesSelector(
  requirements: readonly LabelRequirement[],
  labels: Readonly<Record<string, string>>,
): boolean {
  return requirements.every(({ key, operator, values }) => {
    const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
    switch (operator) {
      case "=":
      case "in":
        return value !== undefined && values.includes(value);
      case "!=":
      case "notin":
        return value === undefined || !values.includes(value);
      case "exists":
        return value !== undefined;
      case "!exists":
        return value === undefined;
      default:
        return unreachable(operator);
    }
  });
}

/** Pieces between commas that stand outside of parentheses. Stops once there are more than are taken. */
function splitAtCommas(text: string): string[] {
  const pieces: string[] = [];
  let isInside = false;
  let from = 0;
  for (let i = 0; i < text.length && pieces.length <= SPEC_TERMS_MAX; i += 1) {
    const char = text[i];
    if (char === "(") isInside = true;
    else if (char === ")") isInside = false;
    else if (char === "," && !isInside) {
      pieces.push(text.slice(from, i));
      from = i + 1;
    }
  }
  return [...pieces, text.slice(from)];
}

const EXISTENCE = /^(!?)\s*([^\s=!(),<>]+)$/;
const EQUALITY = /^([^\s=!(),<>]+)\s*(==?|!=)\s*([^\s=!(),<>]*)$/;
const MEMBERSHIP = /^([^\s=!(),<>]+)\s+(in|notin)\s*\(([^()]*)\)$/;

function parseRequirement(term: string): Parsed<LabelRequirement> {
  const [, not, name] = EXISTENCE.exec(term) ?? [];
  if (name !== undefined) return checked({ key: name, operator: not === "!" ? "!exists" : "exists", values: [] });
  const [, left, equality, value] = EQUALITY.exec(term) ?? [];
  if (left !== undefined && value !== undefined) {
    return checked({ key: left, operator: equality === "!=" ? "!=" : "=", values: [value] });
  }
  const [, key, membership, list] = MEMBERSHIP.exec(term) ?? [];
  if (key === undefined || list === undefined) return { fault: `${quote(term)} is no requirement: expected ${FORMS}` };
  if (list.trim() === "") return { fault: `${quote(term)} names no value: expected one such as (b,c)` };
  const values = [...new Set(list.split(",").map((each) => each.trim()))];
  return checked({ key, operator: membership === "notin" ? "notin" : "in", values });
}

function checked(requirement: LabelRequirement): Parsed<LabelRequirement> {
  const { key, values } = requirement;
  if (values.length > SPEC_TERMS_MAX)
    return { fault: `${quote(key)} is compared with ${SPEC_TERMS_MAX} values at most` };
  const wrong = values.find((value) => value.length > VALUE_CHARS_MAX || !/^[A-Za-z0-9_.-]*$/.test(value));
  const fault = wrong === undefined ? keyFault(key) : valueFault(wrong);
  return fault === null ? { value: requirement } : { fault };
}

/** Kubernetes' rule: a name, and before a slash perhaps the domain of whoever gave it. */
function keyFault(key: string): string | null {
  const slash = key.indexOf("/");
  const [prefix, name] = slash < 0 ? [null, key] : [key.slice(0, slash), key.slice(slash + 1)];
  const isName = name.length <= NAME_CHARS_MAX && /^[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?$/.test(name);
  const isPrefix =
    prefix === null || (prefix.length <= PREFIX_CHARS_MAX && /^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?$/.test(prefix));
  if (isName && isPrefix) return null;
  return (
    `${quote(key)} is no label's name: expected at most ${NAME_CHARS_MAX} letters, digits and "_.-", ` +
    'perhaps after a domain and a slash, as in "example.com/tier"'
  );
}

const valueFault = (value: string): string =>
  `${quote(value)} is no label's value: expected at most ${VALUE_CHARS_MAX} letters, digits and "_.-"`;

function renderRequirement({ key, operator, values }: LabelRequirement): string {
  switch (operator) {
    case "exists":
      return key;
    case "!exists":
      return `!${key}`;
    case "=":
    case "!=":
      return `${key}${operator}${values[0] ?? ""}`;
    case "in":
    case "notin":
      // "()" names no value at all; with a comma it names the empty one.
      return `${key} ${operator} (${values.length === 1 && values[0] === "" ? "," : values.join(",")})`;
    default:
      return unreachable(operator);
  }
}
