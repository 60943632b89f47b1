/** Bodies of requests: bounded, of any content type, JSON by what they hold. */
import {
  MusterError,
  type ParsedDocument,
  type Problem,
  parseDocument,
  SPEC_BYTES_MAX,
  schemaFault,
} from "@muster/contracts";
import type { z } from "zod";

/** Reads a body of at most `bytesMax` bytes; of a longer one nothing more than that is ever held. Throws `document.too-large`. */
export async function readBody(request: Request, bytesMax: number = SPEC_BYTES_MAX): Promise<Uint8Array> {
  if (Number(request.headers.get("content-length") ?? 0) > bytesMax) throw tooLarge(bytesMax);
  if (request.body === null) return new Uint8Array();
  const chunks: Uint8Array[] = [];
  let length = 0;
  const reader = request.body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      length += value.byteLength;
      if (length > bytesMax) throw tooLarge(bytesMax);
      chunks.push(value);
    }
  } catch (cause) {
    await reader.cancel().catch(() => undefined);
    if (cause instanceof MusterError) throw cause;
    throw new MusterError("json.malformed", "The connection ended before the document did", { cause });
  }
  return Buffer.concat(chunks);
}

const tooLarge = (bytesMax: number): MusterError =>
  new MusterError("document.too-large", `The document is larger than the ${bytesMax} bytes that are allowed.`);

/** curl calls everything a form unless told otherwise, so the content type is not asked. Throws what `parseDocument` throws. */
export const readDocument = async (request: Request, bytesMax: number = SPEC_BYTES_MAX): Promise<ParsedDocument> =>
  parseDocument(await readBody(request, bytesMax), { maxBytes: bytesMax });

/** An object by a schema of our own. Throws `spec.type` or `spec.invalid` with every problem and its place. */
export function readAs<T extends z.ZodType>(schema: T, { value, locate }: ParsedDocument): z.infer<T> {
  const parsed = schema.safeParse(value, { error: schemaFault });
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue): Problem => {
    const path = issue.path.map((part) => (typeof part === "symbol" ? String(part) : part));
    return { path: pathText(path), message: issue.message, ...locate(path) };
  });
  const code = parsed.error.issues.some((issue) => issue.code === "invalid_type") ? "spec.type" : "spec.invalid";
  const first = problems[0] as Problem;
  throw new MusterError(code, first.path === "" ? first.message : `${first.path}: ${first.message}`, { problems });
}

const pathText = (path: readonly (string | number)[]): string =>
  path.map((part) => (typeof part === "number" ? `(${part})` : `/${part}`)).join("");
