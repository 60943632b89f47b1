/** Collects everything wrong or doubtful in a document, so that people hear of all of it at once. */
import { type ErrorCode, MusterError, type Problem } from "../../errors.ts";
import type { ParsedDocument } from "../document.ts";
import { formatPath, type Path, shorten } from "../paths.ts";

/** Of a document with thousands of faults this many are told one by one, the rest are counted. */
const PROBLEMS_MAX = 50;

/** `spec.type`: another type than expected. `spec.invalid`: a rule is broken. `spec.unsupported`: no agent can obey. */
export type RefusalCode = Extract<ErrorCode, "spec.type" | "spec.invalid" | "spec.unsupported">;
const GRAVEST_FIRST = ["spec.type", "spec.invalid", "spec.unsupported"] as const satisfies RefusalCode[];

export class Report {
  readonly warnings: Problem[] = [];
  readonly #problems: Problem[] = [];
  /** The first problem of each code: the error's message tells the one that its code is about. */
  readonly #firstOf = new Map<RefusalCode, Problem>();
  readonly #locate: ParsedDocument["locate"];
  readonly #base: Path;
  #refusals = 0;

  /** @param base where the document it reports on stands in the one that was sent. */
  constructor(locate: ParsedDocument["locate"] = () => null, base: Path = []) {
    this.#locate = locate;
    this.#base = base;
  }

  refuse(code: RefusalCode, path: Path, message: string): void {
    this.#refusals += 1;
    const isTold = this.#problems.length < PROBLEMS_MAX;
    if (!isTold && this.#firstOf.has(code)) return;
    const problem = this.#problem(path, message);
    if (isTold) this.#problems.push(problem);
    if (!this.#firstOf.has(code)) this.#firstOf.set(code, problem);
  }

  /** `message` is a function where it costs something to make: beyond the limit it is not called. */
  warn(path: Path, message: string | (() => string)): void {
    if (this.warnings.length >= PROBLEMS_MAX) return;
    this.warnings.push(this.#problem(path, typeof message === "string" ? message : message()));
  }

  /** Throws a MusterError with all problems, named by the gravest; does nothing when there are none. */
  throwIfRefused(): void {
    const code = GRAVEST_FIRST.find((each) => this.#firstOf.has(each));
    const first = code === undefined ? undefined : this.#firstOf.get(code);
    if (code === undefined || first === undefined) return;
    const more = this.#refusals - 1;
    const others = more === 0 ? "" : `; and ${more} more problem${more === 1 ? "" : "s"}`;
    throw new MusterError(code, `${sentence(first)}${others}`, { problems: this.#problems });
  }

  #problem(path: Path, message: string): Problem {
    const whole = [...this.#base, ...path];
    return { path: formatPath(whole), message, ...this.#locate(whole) };
  }
}

function sentence({ path, message, line, column }: Problem): string {
  const where = line === undefined ? "" : ` (line ${line}, column ${column})`;
  return path === "" ? `${message}${where}` : `${path}: ${message}${where}`;
}

/** What stood there, as a message says it: `the text "abc"`, `the number 5`, `an empty list`. */
export function describe(value: unknown): string {
  switch (typeof value) {
    case "string":
      return `the text ${JSON.stringify(shorten(value, 60))}`;
    case "number":
      return `the number ${value}`;
    case "boolean":
      return String(value);
    case "object":
      if (value === null) return "null";
      if (Array.isArray(value)) return value.length === 0 ? "an empty list" : "a list";
      return "an object";
    default:
      return value === undefined ? "nothing" : `a ${typeof value}`;
  }
}
