/** Groups: the tree, who depends on whom, and changes of many apps in one deployment. */
export * from "./decide.ts";
export { destinedIn } from "./differ.ts";
export * from "./ids.ts";
export { type GroupNode, groupAt, groupTree } from "./info.ts";
export type { AppTarget } from "./target.ts";
export { appsBelow, groupsAtOrBelow, hasGroup, unknownGroup } from "./tree.ts";
export { groupVersions } from "./versions.ts";
