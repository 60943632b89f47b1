/** One POST to a callback. */
import { CALLBACK_WITHIN_MS } from "@muster/contracts";

/**
 * null when it was taken, else why not. Never throws. Taken is what is answered 2xx in time; a redirection is not followed, since
 * it leads where nobody subscribed.
 */
export async function postEvent(url: string, body: string, signal: AbortSignal): Promise<string | null> {
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body,
      redirect: "manual",
      signal: AbortSignal.any([signal, AbortSignal.timeout(CALLBACK_WITHIN_MS)]),
    });
    // What it says is of no interest, however long it is.
    await response.body?.cancel();
    return response.ok ? null : `it answered ${response.status}`;
  } catch (cause) {
    const inner = (cause as Error).cause;
    return inner instanceof Error && inner.message !== "" ? inner.message : (cause as Error).message;
  }
}
