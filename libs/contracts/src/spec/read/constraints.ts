/** Constraints: `["rack", "CLUSTER", "rack-2"]`, the operator in any case, with what each operator asks of its value. */
import { type Constraint, OPERATORS, type Operator } from "../app.ts";
import { type At, readList, readOneOf, readText, refuse, refuseType } from "./coerce.ts";
import { regexFault } from "./pattern.ts";
import { fieldFault } from "./terms.ts";

const SHAPE = 'a list such as ["hostname", "UNIQUE"]';
const COUNT = /^[1-9][0-9]{0,8}$/;

/** What is wrong with an operator's value, or null. `value` is null when none was given. */
const VALUE_FAULT: Readonly<Record<Operator, (value: string | null) => string | null>> = {
  UNIQUE: (value) => (value === null ? null : "UNIQUE takes no value"),
  CLUSTER: () => null,
  GROUP_BY: (value) =>
    value === null || COUNT.test(value) ? null : "GROUP_BY takes a whole number of groups, or none",
  LIKE: likeFault,
  UNLIKE: likeFault,
  MAX_PER: (value) => (value !== null && COUNT.test(value) ? null : "MAX_PER takes a whole number from 1 up"),
  IS: (value) =>
    value !== null && /^[a-zA-Z0-9_/.-]*$/.test(value) ? null : 'IS takes a value of letters, digits and "_/.-"',
};

function likeFault(value: string | null): string | null {
  return value === null ? "LIKE and UNLIKE take a regular expression" : regexFault(value);
}

export function readConstraints(at: At): Constraint[] | undefined {
  return readList(at, `a list of constraints, each ${SHAPE}`)?.flatMap((item) => readConstraint(item) ?? []);
}

function readConstraint(at: At): Constraint | undefined {
  const length = Array.isArray(at.value) ? at.value.length : 0;
  if (typeof at.value === "string") return refuseType(at, `${SHAPE}: constraints are lists in a list`);
  const [fieldAt, operatorAt, valueAt] = readList(at, SHAPE) ?? [];
  if (!Array.isArray(at.value)) return undefined;
  if (fieldAt === undefined || operatorAt === undefined || length > 3) {
    return refuse(
      at,
      `expected a field, an operator and at most one value, got ${length} item${length === 1 ? "" : "s"}`,
    );
  }
  const field = readText(fieldAt);
  const operator = readOneOf(operatorAt, OPERATORS, { isQuiet: true });
  const value = valueAt === undefined ? null : readText(valueAt, { isLoose: true });
  if (field === undefined || operator === undefined || value === undefined) return undefined;
  const nameFault = field.startsWith("@") ? fieldFault(field) : null;
  if (field === "") refuse(fieldAt, 'expected "hostname" or the name of an attribute');
  if (nameFault !== null) refuse(fieldAt, nameFault);
  const fault = VALUE_FAULT[operator](value);
  if (fault !== null) refuse(at, fault);
  return { field, operator, value };
}
