/** Swarm's expressions about agents: `storage==ssd`, `node!=n1*`, `region==~/eu-.+/`. */
import type { Expression } from "../placement.ts";
import { globFault, regexFault } from "./pattern.ts";
import { fieldFault, type Parsed, quote } from "./terms.ts";

const EXAMPLES = '"storage==ssd", "node!=n1*" or "region==~/eu-.+/"';
/** Swarm's key of such an expression among a container's variables. */
const PREFIX = "constraint:";

/** Never throws. The text form is that of `renderExpression`; space around the parts is allowed. */
export function parseExpression(text: string): Parsed<Expression> {
  const given = text.trim();
  if (given.startsWith("affinity:")) return { fault: "affinities to apps stand in placement.affinity" };
  const bare = given.startsWith(PREFIX) ? given.slice(PREFIX.length) : given;
  const operatorAt = bare.search(/[=!]=/);
  if (operatorAt < 0) return { fault: `${quote(text)} has no operator: expected == or !=, as in ${EXAMPLES}` };
  const field = bare.slice(0, operatorAt).trim();
  const operator = bare.startsWith("==", operatorAt) ? "==" : "!=";
  const after = bare.slice(operatorAt + operator.length).trim();
  const isSoft = after.startsWith("~");
  const pattern = patternOf(isSoft ? after.slice(1).trim() : after);
  const fault = fieldFault(field) ?? patternFault(pattern);
  return fault === null ? { value: { field, operator, pattern, isSoft } } : { fault };
}

/** The text that `parseExpression` reads back as the same. */
export function renderExpression({ field, operator, pattern, isSoft }: Expression): string {
  const value = pattern.type === "regex" ? `/${pattern.text}/` : pattern.text;
  return `${field}${operator}${isSoft ? "~" : ""}${value}`;
}

function patternOf(text: string): Expression["pattern"] {
  const isRegex = text.length >= 2 && text.startsWith("/") && text.endsWith("/");
  return isRegex ? { type: "regex", text: text.slice(1, -1) } : { type: "glob", text };
}

function patternFault({ type, text }: Expression["pattern"]): string | null {
  if (text === "") return `expected a value after the operator, as in ${EXAMPLES}`;
  if (type === "regex") return regexFault(text);
  // No value begins so: "a===b" and "a==~~b" are slips of the finger.
  if (/^[=~]/.test(text)) return `expected == or != and perhaps one ~, as in ${EXAMPLES}`;
  return globFault(text);
}
