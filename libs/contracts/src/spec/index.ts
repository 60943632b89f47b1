/** Specs of apps: how they are read, stored and shown. YAML is apart, as `@muster/contracts/spec/yaml`. */
export * from "./app.ts";
export type { DocumentOptions, ParsedDocument } from "./document.ts";
export * from "./grammar.ts";
export * from "./json.ts";
export { formatPath, type Location, type Path } from "./paths.ts";
export { type ReadApp, type ReadOptions, readApp } from "./read.ts";
export * from "./render.ts";
export * from "./update.ts";
