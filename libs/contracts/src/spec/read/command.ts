/** What an app runs: a shell line, a list of arguments, or what its image says. */
import type { AppSpec } from "../app.ts";
import { type At, type Fields, hasItems, isGiven, readList, readText, readTextMap, refuse } from "./coerce.ts";
import { refuseCannot } from "./unsupported.ts";

/** `isImageGiven`: the image has a command of its own, so the app needs none. */
export function readCommand(field: Fields, isImageGiven: boolean): Pick<AppSpec, "cmd" | "args"> {
  const cmdAt = field("cmd");
  const argsAt = field("args");
  const cmd = readText(cmdAt) ?? null;
  const args = readArgs(argsAt);
  if (cmd !== null && cmd.trim() === "") refuse(cmdAt, "expected a command, got nothing but space");
  if (isGiven(cmdAt) && hasItems(argsAt)) refuse(argsAt, "cmd and args exclude each other: keep one of them");
  if (!isGiven(cmdAt) && !isImageGiven) {
    if (!isGiven(argsAt)) refuse(cmdAt, "expected a command: give cmd, args, or a container with an image");
    else if (Array.isArray(argsAt.value) && !args?.[0]) refuse(argsAt, "expected a program as the first of args");
  }
  return { cmd, args };
}

/** An empty list says no more than none at all. */
function readArgs(at: At): string[] | null {
  const items = readList(at, "a list of texts") ?? [];
  const args = items.flatMap((item) => readText(item, { isLoose: true }) ?? []);
  return args.length === 0 ? null : args;
}

/** The environment; names are free, as long as a process can be given them. */
export function readEnv(at: At): Record<string, string> | undefined {
  return readTextMap(at, {
    nameFault(name) {
      if (name === "") return "the name of a variable may not be empty";
      return name.includes("=") ? 'the name of a variable may not hold "="' : null;
    },
    intercept(item) {
      const isSecret = typeof item.value === "object" && item.value !== null && "secret" in item.value;
      if (isSecret) refuseCannot(item, "pass on secrets");
      return isSecret;
    },
  });
}
