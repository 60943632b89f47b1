/** The HTTP listener: bounded in time and size, so that no client can hold it up. */
import { createServer, type IncomingMessage } from "node:http";
import { type AddressInfo, isIPv6 } from "node:net";
import { getRequestListener, type HttpBindings } from "@hono/node-server";
import { MusterError } from "@muster/contracts";
import { errorResponse } from "./errors.ts";
import type { Api } from "./route.ts";

const HEADERS_WITHIN_MS = 10_000;
const REQUEST_WITHIN_MS = 30_000;
const IDLE_KEPT_MS = 65_000;
const HEADER_BYTES_MAX = 16 * 1024;
const STOP_WITHIN_MS = 3_000;

export type HttpServer = { readonly port: number; stop(): Promise<void> };

/** Listens; throws a sentence when the port is taken or the address is none of this machine's. */
export async function listen(api: Api, { host, port }: { host: string; port: number }): Promise<HttpServer> {
  const respond = getRequestListener(
    (request, bindings) => {
      const { incoming } = bindings as HttpBindings;
      return api.fetch(request, { requester: requesterOf(incoming), hangUp: () => incoming.socket.destroy() });
    },
    {
      overrideGlobalObjects: false,
      errorHandler: () =>
        errorResponse(new MusterError("route.unknown", "The request's address or Host header cannot be read")),
    },
  );
  const server = createServer(
    {
      headersTimeout: HEADERS_WITHIN_MS,
      requestTimeout: REQUEST_WITHIN_MS,
      keepAliveTimeout: IDLE_KEPT_MS,
      maxHeaderSize: HEADER_BYTES_MAX,
    },
    (incoming, outgoing) => void respond(incoming, outgoing),
  );
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause: NodeJS.ErrnoException) => reject(cannotListen(cause, host, port)));
    server.listen(port, host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    stop: () =>
      new Promise((resolve) => {
        // Requests in hand are finished; a client that dawdles over its own is not waited for.
        const cut = setTimeout(() => server.closeAllConnections(), STOP_WITHIN_MS);
        server.close(() => {
          clearTimeout(cut);
          resolve();
        });
      }),
  };
}

function cannotListen(cause: NodeJS.ErrnoException, host: string, port: number): Error {
  const where = `${isIPv6(host) ? `[${host}]` : host}:${port}`;
  const why =
    cause.code === "EADDRINUSE"
      ? "the port is taken: set another with --http-port, or 0 for any free one"
      : cause.code === "EADDRNOTAVAIL"
        ? "this machine has no such address: set another with --http-host"
        : cause.message;
  return new MusterError("internal", `the HTTP API cannot listen on ${where}: ${why}`, { cause });
}

const requesterOf = ({ socket }: IncomingMessage) => ({
  who: "http",
  from: `${socket.remoteAddress ?? "unknown"}:${socket.remotePort ?? 0}`,
});
