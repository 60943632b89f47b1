/** Where events may be posted to. */
import { createHash } from "node:crypto";
import { MusterError, type Problem } from "@muster/contracts";

export const CALLBACK_HOSTS = ["loopback", "any"] as const;
export type CallbackHosts = (typeof CALLBACK_HOSTS)[number];

const CHARS_MAX = 2_048;
const PARAMETER = "?callbackUrl";

/** A URL in its usual form. Throws `spec.invalid`. */
export function readCallbackUrl(given: string | undefined, hosts: CallbackHosts): string {
  if (given === undefined || given === "") throw invalid("expected the URL that events are posted to");
  if (given.length > CHARS_MAX) throw invalid(`expected at most ${CHARS_MAX} characters, got ${given.length}`);
  if (!URL.canParse(given)) throw invalid(`expected a URL such as http://127.0.0.1:9000/events; got ${shown(given)}`);
  const url = new URL(given);
  if (url.protocol !== "http:" && url.protocol !== "https:")
    throw invalid(`expected http or https; got ${shown(given)}`);
  if (url.username !== "" || url.password !== "")
    throw invalid("a URL with a name and a password is not taken: it is shown to everybody who asks");
  if (hosts === "loopback" && !isLoopback(url.hostname))
    throw invalid(`${url.hostname} is not this machine: the gateway posts elsewhere only with --callback-hosts any`);
  url.hash = "";
  return url.href;
}

const isLoopback = (name: string): boolean => name === "localhost" || name === "[::1]" || /^127(\.\d+){3}$/.test(name);

/** One token for each URL. */
export const subscriptionId = (callbackUrl: string): string =>
  createHash("sha256").update(callbackUrl).digest("hex").slice(0, 32);

const shown = (text: string): string => JSON.stringify(text.slice(0, 100));

function invalid(message: string): MusterError {
  const problems: Problem[] = [{ path: PARAMETER, message }];
  return new MusterError("spec.invalid", `${PARAMETER}: ${message}`, { problems });
}
