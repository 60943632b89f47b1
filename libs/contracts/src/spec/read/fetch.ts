/** `fetch` and its old spelling `uris`: read as if they were obeyed, so that a slip is told as one, and then refused, since no agent fetches. */
import {
  type At,
  type Fields,
  hasItems,
  isGiven,
  readBoolean,
  readList,
  readObject,
  readText,
  refuse,
} from "./coerce.ts";
import { asksNothing, refuseCannot } from "./unsupported.ts";

const FIELDS = ["uri", "extract", "executable", "cache", "destPath"];
const URI_CHARS_MAX = 1_024;

export function refuseFetch(field: Fields): void {
  const [fetchAt, urisAt] = [field("fetch"), field("uris")];
  for (const item of readList(fetchAt, 'a list of objects such as {"uri": "https://a.example/b.tgz"}') ?? [])
    readItem(item);
  for (const item of readList(urisAt, "a list of addresses of files") ?? []) readUri(item);
  if (hasItems(fetchAt) && hasItems(urisAt)) refuse(urisAt, "uris and fetch exclude each other: keep fetch");
  for (const at of [fetchAt, urisAt]) if (!asksNothing(at)) refuseCannot(at, "fetch files before a start");
}

function readItem(at: At): void {
  const field = readObject(at, 'an object such as {"uri": "https://a.example/b.tgz"}', FIELDS);
  if (field === undefined) return;
  if (!isGiven(field("uri"))) refuse(field("uri"), "expected the address of a file");
  readUri(field("uri"));
  for (const name of ["extract", "executable", "cache"]) readBoolean(field(name));
  const path = readText(field("destPath"));
  if (path !== undefined && (path.startsWith("/") || path.split("/").includes("..")))
    refuse(field("destPath"), "expected a path below the task's own directory");
}

function readUri(at: At): void {
  const uri = readText(at);
  if (uri === undefined) return;
  if (uri.length > URI_CHARS_MAX) refuse(at, `expected at most ${URI_CHARS_MAX} characters, got ${uri.length}`);
  else if (!/^\S+$/.test(uri)) refuse(at, "expected the address of a file, without spaces");
}
