/**
 * Message headers as bytes. The client's own class checks and copies each value several times, which was most of what a
 * large batch cost; what we send has names of our own, and of what we receive one or two lines are looked at.
 */
import type { MsgHdrs } from "@nats-io/transport-node";

const LINE_BREAK = /[\r\n]/;

/** Headers to send. The client asks them for nothing but their bytes. Throws for a value that would start a line of its own. */
export function wireHeaders(...records: readonly Readonly<Record<string, string>>[]): MsgHdrs {
  let text = "NATS/1.0\r\n";
  for (const record of records) {
    for (const name in record) {
      const value = record[name] as string;
      if (LINE_BREAK.test(value)) throw new Error(`the header ${name} holds a line break`);
      text += `${name}: ${value}\r\n`;
    }
  }
  const bytes = Buffer.from(`${text}\r\n`, "utf8");
  return { encode: () => bytes } as unknown as MsgHdrs;
}

/** A message as the client holds it: its header lines stand before its body, `hdr` bytes long (-1: none). */
type Held = { readonly _rdata?: Uint8Array; readonly _msg?: { readonly hdr?: number } };

/** The header lines of a received message as one text, empty where it has none; to be read with `headerIn`. */
export function headerText(message: { readonly headers?: MsgHdrs | undefined }): string {
  const held = ((message as { msg?: unknown }).msg ?? message) as Held;
  const length = held._msg?.hdr;
  if (held._rdata === undefined || length === undefined) return String(message.headers ?? "");
  if (length <= 0) return "";
  return Buffer.from(held._rdata.buffer, held._rdata.byteOffset, length).toString("latin1");
}

/** The value of a header in such a text, or null. Names are compared as they are written. */
export function headerIn(text: string, name: string): string | null {
  const at = text.indexOf(`\r\n${name}:`);
  if (at < 0) return null;
  const start = at + name.length + 3;
  return text.slice(start, text.indexOf("\r\n", start)).trim();
}
