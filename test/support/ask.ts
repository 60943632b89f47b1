/** A test's requests to a gateway over HTTP, their answers read to the end. */

export type Json = Readonly<Record<string, unknown>>;
export type Answer = {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** What the text holds; an empty object where it is empty or no JSON. */
  readonly json: Json;
};

/** @param body text and bytes go as they are, anything else as JSON. */
export async function ask(
  http: string,
  method: string,
  path: string,
  body?: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const answer = await fetch(`${http}${path}`, {
    method,
    headers,
    ...(body === undefined ? {} : { body: sent(body) }),
  });
  const text = await answer.text();
  return { status: answer.status, headers: answer.headers, text, json: parsed(text) };
}

const sent = (body: unknown): string | Uint8Array<ArrayBuffer> =>
  typeof body === "string" || body instanceof Uint8Array ? (body as string) : JSON.stringify(body);

function parsed(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return {};
  }
}
