/** Where a request came from, without its port. */
import type { Requester } from "@muster/contracts";

/** `127.0.0.1` of `127.0.0.1:53211`; whoever asked over NATS is named as they named themselves. */
export const clientAddress = (by: Requester | null): string =>
  by === null ? "unknown" : by.who === "http" ? by.from.replace(/:\d+$/, "") : by.from;
