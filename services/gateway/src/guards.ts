/** What every request passes through: headers that Marathon sets, no answers from half a view, no orders from web pages. */
import { hostname } from "node:os";
import type { MiddlewareHandler } from "hono";
import { type Gateway, refuseNotReady } from "./gateway.ts";
import type { Env } from "./route.ts";

const HEADERS = {
  "Cache-Control": "no-cache, no-store, must-revalidate",
  Pragma: "no-cache",
  Expires: "0",
  "X-Frame-Options": "DENY",
  "X-XSS-Protection": "1; mode=block",
} as const;

export const setHeaders: MiddlewareHandler<Env> = async (c, next) => {
  await next();
  for (const [name, value] of Object.entries(HEADERS)) c.res.headers.set(name, value);
};

export const whenReady =
  (gateway: Gateway): MiddlewareHandler<Env> =>
  async (_c, next) => {
    refuseNotReady(gateway);
    await next();
  };

/**
 * A page of another site may make a browser post here without asking, and an app is a command. Browsers name such a
 * page in `Origin`; programs send none.
 */
export const refuseForeignPages: MiddlewareHandler<Env> = async (c, next) => {
  const origin = c.req.header("origin");
  const isQuestion = c.req.method === "GET" || c.req.method === "HEAD";
  if (origin === undefined || isQuestion || hostOf(origin) === c.req.header("host")) return await next();
  return c.json({ message: `A page of ${hostOf(origin) || "another site"} may not change anything here` }, 403);
};

const LOOPBACK_NAMES = new Set(["localhost", "127.0.0.1", "[::1]", hostname()]);

/**
 * Where only this machine may ask, nobody may ask under another name: a page whose name was pointed at this machine
 * (DNS rebinding) sends its own. Addresses cannot be pointed elsewhere; requests over NATS name no host.
 */
export const refuseForeignNames =
  (isLocal: boolean): MiddlewareHandler<Env> =>
  async (c, next) => {
    const name = hostnameOf(c.req.header("host"));
    if (!isLocal || name === null || LOOPBACK_NAMES.has(name) || /^[\d.]+$|^\[/.test(name)) return await next();
    return c.json(
      { message: `This API listens for this machine only and is not known as ${name}: ask 127.0.0.1` },
      403,
    );
  };

const hostnameOf = (host: string | undefined): string | null =>
  host === undefined ? null : URL.canParse(`http://${host}`) ? new URL(`http://${host}`).hostname : "";

const hostOf = (origin: string): string => (URL.canParse(origin) ? new URL(origin).host : "");
