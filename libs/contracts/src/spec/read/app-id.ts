/** Ids of apps: relative ones are resolved, and those that break a rule are answered with the one that was likely meant. */
import { type AppId, isAppId } from "../../ids.ts";
import { shorten } from "../paths.ts";
import { type At, isGiven, readList, readText, refuse } from "./coerce.ts";

/** Last parts that would read as another address below `/v2/apps`. */
const RESERVED: readonly string[] = ["restart", "tasks", "versions"];

export function readAppId(at: At, groupPath: string): AppId {
  if (!isGiven(at)) refuse(at, 'expected the app\'s id, such as "/web"');
  const text = readText(at);
  if (text === undefined) return "";
  const id = resolve(text, groupPath);
  const fault = id === null ? `the id ${quote(text)} steps out of the root` : (idFault(text) ?? ruleFault(id));
  if (fault !== null) refuse(at, fault);
  return id ?? "";
}

/** The id of a group, which may be the root's. */
export function readGroupId(at: At, groupPath: string): AppId {
  const text = readText(at);
  if (text === undefined) return "";
  const id = resolve(text, groupPath);
  const fault = id === null ? `the id ${quote(text)} steps out of the root` : (idFault(text) ?? groupFault(id));
  if (fault !== null) refuse(at, fault);
  return id ?? "";
}

const groupFault = (id: AppId): string | null => (id === "/" ? null : ruleFault(id));

/** Ids this app waits for, each once. */
export function readDependencies(at: At, self: AppId): AppId[] | undefined {
  const ids = readList(at, "a list of app ids")?.flatMap((item) => {
    const id = readDependency(item, self);
    if (id === self) refuse(item, "an app cannot depend on itself");
    return id ?? [];
  });
  return ids === undefined ? undefined : [...new Set(ids)];
}

/**
 * What an app or a group waits for. Steps (`../db`) are counted from its own path, as Marathon counts them; a name without any (`db`)
 * is a neighbour in the same group, where a relative id of the app's own would stand as well.
 */
export function readDependency(at: At, self: AppId): AppId | undefined {
  const text = readText(at);
  return text === undefined ? undefined : readResolved(at, text, isAnchored(text) ? self : parentOf(self));
}

/** The id of an app that `self` wants to stand near or far: absolute, or in steps from the app's own path. A bare name may be a unit's. */
export function readOtherId(at: At, self: AppId): AppId | undefined {
  const text = readText(at);
  if (text === undefined || isAnchored(text)) return text === undefined ? undefined : readResolved(at, text, self);
  return refuse(at, `expected an absolute id, got ${quote(text)}${meant(resolve(text, parentOf(self)))}`);
}

function readResolved(at: At, text: string, base: string): AppId | undefined {
  const id = resolve(text, base);
  const fault = id === null ? `the id ${quote(text)} steps out of the root` : (idFault(text) ?? ruleFault(id));
  return fault === null && id !== null ? id : refuse(at, fault ?? "");
}

/** True for what begins at the root or with a step from the app: a bare name is neither. */
export const isAnchored = (text: string): boolean => /^(?:\/|\.\.?(?:\/|$))/.test(text);

const parentOf = (id: AppId): string => id.slice(0, Math.max(0, id.lastIndexOf("/")));
const quote = (text: string): string => JSON.stringify(shorten(text, 60));
const meant = (id: string | null): string => (id !== null && isAppId(id) ? `; did you mean "${id}"?` : "");

/** An absolute id for `text`, or null when its steps lead above the root. */
export function resolve(text: string, base: string): AppId | null {
  const parts = text.startsWith("/") ? [] : base.split("/").filter((part) => part !== "");
  for (const part of text.split("/")) {
    if (part === "..") {
      if (parts.pop() === undefined) return null;
    } else if (part !== "" && part !== ".") parts.push(part);
  }
  return `/${parts.join("/")}`;
}

const idFault = (text: string): string | null =>
  text.startsWith("/") && /\/\.\.?(?:\/|$)/.test(text)
    ? `the id ${quote(text)} mixes an absolute path with relative steps: "." and ".." belong to relative ids`
    : null;

function ruleFault(id: AppId): string | null {
  if (id === "/") return "an app cannot be the root: give it a name below it";
  const last = id.slice(id.lastIndexOf("/") + 1);
  if (RESERVED.includes(last)) return `an id may not end in "${last}": that is an address of the API`;
  if (isAppId(id)) return null;
  if (id.length > 200) return `an id has 200 letters at most, this one has ${id.length}`;
  const plain = id.toLowerCase().replace(/[_\s]+/g, "-");
  const rule = `each part between slashes holds a-z and 0-9, with "-" and "." only inside`;
  return `${quote(id)} is no app id: ${rule}${meant(plain)}`;
}
