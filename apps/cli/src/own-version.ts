import { readFileSync } from "node:fs";

/** Of this command, as its package names it. */
export const ownVersion = (): string =>
  (JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as { version: string }).version;
