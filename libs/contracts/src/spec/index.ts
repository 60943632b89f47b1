/** Specs of apps: how they are read, stored and shown. YAML is apart, as `@muster/contracts/spec/yaml`. */
export * from "./app.ts";
export * from "./check.ts";
export type { DocumentOptions, ParsedDocument } from "./document.ts";
export * from "./grammar.ts";
export * from "./group.ts";
export * from "./json.ts";
export { formatPath, type Location, type Path } from "./paths.ts";
export * from "./placement.ts";
export { parseExpression, renderExpression } from "./read/expression.ts";
export { REPLY_FIELDS, SPEC_FIELDS } from "./read/fields.ts";
export { matchesSelector, parseSelector, renderSelector } from "./read/selector.ts";
export type { Parsed } from "./read/terms.ts";
export { type ReadApp, type ReadOptions, readApp } from "./read.ts";
export * from "./render.ts";
export * from "./rollout.ts";
export { schemaFault } from "./schema-fault.ts";
export * from "./update.ts";
