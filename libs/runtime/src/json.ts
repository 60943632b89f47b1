const decoder = new TextDecoder();

/** The JSON in a message, or undefined where there is none: messages from outside hold anything. */
export function jsonOf(data: Uint8Array): unknown {
  try {
    return JSON.parse(decoder.decode(data));
  } catch {
    return undefined;
  }
}
