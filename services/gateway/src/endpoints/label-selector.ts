/**
 * Marathon's label selectors: `env`, `env==prod`, `env!=prod`, `env in (prod, test)`, `env notin (dev)`; a comma means
 * "and", a backslash takes the next character as it is. Every form asks that the label exists.
 */
import { MusterError, unreachable } from "@muster/contracts";

type Token = { readonly type: "word" | "sign"; readonly text: string };
type Term = { readonly key: string; readonly operator: "exists" | "in" | "notin"; readonly values: readonly string[] };
export type LabelSelector = (labels: Readonly<Record<string, string>>) => boolean;

const TOKEN = /\s*(?:(==|!=|[(),])|((?:\\.|[^\s\\(),=!])+))/y;

/** Throws `spec.invalid` that shows what was expected. */
export function parseLabelSelector(text: string): LabelSelector {
  const terms = readTerms(tokensOf(text), text);
  return (labels) => terms.every((term) => matches(term, labels));
}

function matches({ key, operator, values }: Term, labels: Readonly<Record<string, string>>): boolean {
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
  if (value === undefined) return false;
  switch (operator) {
    case "exists":
      return true;
    case "in":
      return values.includes(value);
    case "notin":
      return !values.includes(value);
    default:
      return unreachable(operator);
  }
}

function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (text.slice(at).trim() !== "") {
    TOKEN.lastIndex = at;
    const match = TOKEN.exec(text);
    if (match === null) throw fault(text, `a label, an operator or a comma at character ${at + 1}`);
    const [whole, sign, word] = match;
    tokens.push(
      sign === undefined
        ? { type: "word", text: (word as string).replaceAll(/\\(.)/g, "$1") }
        : { type: "sign", text: sign },
    );
    at += whole.length;
  }
  return tokens;
}

function readTerms(tokens: readonly Token[], text: string): Term[] {
  let at = 0;
  const take = (type: Token["type"], expected: string, sign?: string): string => {
    const token = tokens[at];
    if (token?.type !== type || (sign !== undefined && token.text !== sign)) throw fault(text, expected);
    at += 1;
    return token.text;
  };
  const isNext = (...texts: string[]): boolean => texts.includes(tokens[at]?.text ?? "");

  function term(): Term {
    const key = take("word", "the name of a label");
    if (at === tokens.length || isNext(",")) return { key, operator: "exists", values: [] };
    if (isNext("==", "!=")) {
      const operator = take("sign", "==") === "==" ? "in" : "notin";
      return { key, operator, values: [take("word", "a value")] };
    }
    if (!isNext("in", "notin")) throw fault(text, `==, !=, in or notin after "${key}"`);
    const operator = take("word", "in or notin") === "in" ? "in" : "notin";
    return { key, operator, values: set() };
  }
  function set(): string[] {
    take("sign", 'an opening bracket, as in "env in (prod, test)"', "(");
    const values = [take("word", "a value")];
    while (isNext(",")) {
      at += 1;
      values.push(take("word", "a value"));
    }
    take("sign", "a comma or a closing bracket", ")");
    return values;
  }

  const terms = [term()];
  while (at < tokens.length) {
    take("sign", "a comma between terms", ",");
    terms.push(term());
  }
  return terms;
}

function fault(text: string, expected: string): MusterError {
  const shown = text.length > 80 ? `${text.slice(0, 79)}…` : text;
  const message = `the label selector "${shown}" cannot be read: expected ${expected}`;
  return new MusterError("spec.invalid", message, { problems: [{ path: "?label", message }] });
}
