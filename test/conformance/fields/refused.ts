/** What no agent of this cluster can do, and what means nothing any more: nothing of it is passed over in silence. */
import { NOT_SUPPORTED, none, type Row, refused, refusedBeside, shows, UNSUPPORTED } from "./row.ts";

const FETCH = { fetch: [{ uri: "https://a.example/b.tgz" }] };
/** Beside what is wrong with an item the whole field is refused. */
const also = (field: string): string[] => [`/fetch(0)/${field}`, "/fetch"];

export const refusals: readonly Row[] = [
  {
    field: "fetch",
    valid: [shows([], undefined)],
    invalid: [
      refused([{ uri: "https://a.example/b.tgz" }], /cannot fetch files before a start/),
      refused("https://a.example/b.tgz", /expected a list of objects such as/, "/fetch"),
      refused(["https://a.example/b.tgz"], /expected an object such as/, "/fetch(0)", "/fetch"),
    ],
    effect: NOT_SUPPORTED,
  },
  {
    field: "fetch[].uri",
    valid: [],
    invalid: [
      refused(null, /expected the address of a file/, ...also("uri")),
      refused("a b", /without spaces/, ...also("uri")),
      refused("x".repeat(1_025), /at most 1024 characters, got 1025/, ...also("uri")),
      refused(5, /expected text/, ...also("uri")),
    ],
    effect: NOT_SUPPORTED,
  },
  ...["extract", "executable", "cache"].map(
    (name): Row => ({
      field: `fetch[].${name}`,
      within: FETCH,
      valid: [],
      invalid: [refused("maybe", /expected true or false/, ...also(name)), refused(true, UNSUPPORTED, "/fetch")],
      effect: NOT_SUPPORTED,
    }),
  ),
  {
    field: "fetch[].destPath",
    within: FETCH,
    valid: [],
    invalid: [
      refused("/etc/passwd", /expected a path below the task's own directory/, ...also("destPath")),
      refused("a/../../b", /expected a path below/, ...also("destPath")),
      refused("a/b", UNSUPPORTED, "/fetch"),
    ],
    effect: NOT_SUPPORTED,
  },
  {
    field: "uris",
    valid: [shows([], undefined)],
    invalid: [
      refused(["https://a.example/b.tgz"], /cannot fetch files before a start/),
      refused([5], /expected text/, "/uris(0)", "/uris"),
      refusedBeside(FETCH, ["b"], /uris and fetch exclude each other/, "/uris", "/fetch"),
    ],
    effect: NOT_SUPPORTED,
  },
  {
    field: "storeUrls",
    valid: [shows([], undefined)],
    invalid: [refused(["https://a.example/b.tgz"], UNSUPPORTED)],
    effect: NOT_SUPPORTED,
  },
  {
    field: "secrets",
    valid: [shows({}, undefined)],
    invalid: [refused({ password: { source: "db/password" } }, /cannot pass on secrets/)],
    effect: NOT_SUPPORTED,
  },
  {
    field: "tty",
    valid: [shows(false, undefined), shows("false", undefined)],
    invalid: [refused(true, /cannot attach a terminal/)],
    effect: NOT_SUPPORTED,
  },
  {
    field: "residency",
    valid: [
      shows({}, undefined),
      shows({ taskLostBehavior: "WAIT_FOREVER" }, undefined, {
        warns: /\/residency: ignored: see unreachableStrategy/,
      }),
    ],
    invalid: [],
    effect: none("deprecated, and without effect in Marathon too: whoever says it is warned"),
  },
  {
    field: "taskRateLimit",
    valid: [shows(1, undefined, { warns: /ignored: see backoffSeconds and backoffFactor/ })],
    invalid: [],
    effect: none("deprecated, and without effect in Marathon too: whoever says it is warned"),
  },
];
