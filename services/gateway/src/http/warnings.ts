/** What was understood otherwise than it was written, as `Warning` headers (RFC 7234): `299 muster "<text>"`. */
import type { Problem } from "@muster/contracts";

const WARNINGS_MAX = 20;
const TEXT_CHARS_MAX = 200;

/** One value per warning; of very many the rest is counted, since clients bound the size of headers. */
export function warningHeaders(warnings: readonly Problem[]): string[] {
  const told = warnings.slice(0, WARNINGS_MAX).map(warningText);
  const left = warnings.length - told.length;
  return [...told, ...(left > 0 ? [`and ${left} more`] : [])].map((text) => `299 muster "${quoted(text)}"`);
}

function warningText({ path, message, line, column }: Problem): string {
  const where = line === undefined ? "" : ` (line ${line}, column ${column})`;
  return `${path === "" ? "" : `${path}: `}${message}${where}`;
}

/** Headers carry printable ASCII; `"` and `\` are escaped inside quotes. */
function quoted(text: string): string {
  const short = text.length > TEXT_CHARS_MAX ? `${text.slice(0, TEXT_CHARS_MAX - 3)}...` : text;
  return short
    .replaceAll("…", "...")
    .replaceAll(/[^\x20-\x7e]/g, "?")
    .replaceAll(/["\\]/g, "\\$&");
}
