/** What every request passes through: headers that Marathon sets, no answers from half a view, no orders from web pages. */
import { hostname } from "node:os";
import { MusterError } from "@muster/contracts";
import type { MiddlewareHandler } from "hono";
import { cors } from "hono/cors";
import { type Gateway, refuseNotReady } from "../gateway.ts";
import type { Env } from "./route.ts";

const HEADERS = {
  "Cache-Control": "no-cache, no-store, must-revalidate",
  Pragma: "no-cache",
  Expires: "0",
  "X-Frame-Options": "DENY",
  "X-XSS-Protection": "1; mode=block",
} as const;

/** All gateways are equal, so the leader that clients are sent to is this one, under the name they asked for unless told otherwise. */
export const setHeaders =
  ({ address }: Pick<Gateway, "address">): MiddlewareHandler<Env> =>
  async (c, next) => {
    await next();
    for (const [name, value] of Object.entries(HEADERS)) c.res.headers.set(name, value);
    const leader = address(c.req.header("host"));
    if (leader !== null) c.res.headers.set("X-Marathon-Leader", `http://${leader}`);
  };

/** Whoever comes when `max` are being answered is sent away at once: waiting would only make all of them late. */
export function refuseTooMany(max: number): MiddlewareHandler<Env> {
  let running = 0;
  return async (_c, next) => {
    if (running >= max)
      throw new MusterError(
        "cluster.busy",
        `This gateway answers ${max} requests at once (--http-max-concurrent-requests): try again in a moment`,
      );
    running += 1;
    try {
      await next();
    } finally {
      running -= 1;
    }
  };
}

const EXPOSED = ["Location", "Marathon-Deployment-Id", "X-Marathon-Leader", "X-Muster-Trace", "Warning", "Retry-After"];
const PREFLIGHT_KEPT_SECONDS = 600;

/** Origins as an operator names them: `https://a.example, https://b.example`, or `*`. */
export const originsOf = (text: string | null): readonly string[] =>
  (text ?? "").split(",").flatMap((origin) => (origin.trim() === "" ? [] : [origin.trim().replace(/\/+$/, "")]));

/** Tells browsers that pages of these origins may read what is answered. */
export const allowOrigins = (origins: readonly string[]): MiddlewareHandler<Env> =>
  cors({
    origin: origins.includes("*") ? "*" : [...origins],
    allowMethods: ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
    exposeHeaders: EXPOSED,
    maxAge: PREFLIGHT_KEPT_SECONDS,
  });

/** Counts what was answered, by endpoint: what nobody takes is one of them, whatever its address. */
export const countRequests =
  ({ metrics }: Pick<Gateway, "metrics">): MiddlewareHandler<Env> =>
  async (c, next) => {
    const startedAt = performance.now();
    await next();
    metrics.request(c.get("route") ?? "none", c.req.method, c.res.status, performance.now() - startedAt);
  };

export const whenReady =
  (gateway: Gateway): MiddlewareHandler<Env> =>
  async (_c, next) => {
    refuseNotReady(gateway);
    await next();
  };

/**
 * A page of another site may make a browser post here without asking, and an app is a command. Browsers name such a
 * page in `Origin`; programs send none. `allowed`: the sites an operator has let in.
 */
export const refuseForeignPages =
  (allowed: readonly string[]): MiddlewareHandler<Env> =>
  async (c, next) => {
    const origin = c.req.header("origin");
    const isQuestion = c.req.method === "GET" || c.req.method === "HEAD";
    const isOurs = origin === undefined || hostOf(origin) === c.req.header("host");
    if (isQuestion || isOurs || allowed.includes("*") || allowed.includes(origin)) return await next();
    const page = hostOf(origin) || "another site";
    throw new MusterError("origin.forbidden", `A page of ${page} may not change anything here`);
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
    throw new MusterError(
      "origin.forbidden",
      `This API listens for this machine only and is not known as ${name}: ask 127.0.0.1`,
    );
  };

const hostnameOf = (host: string | undefined): string | null =>
  host === undefined ? null : URL.canParse(`http://${host}`) ? new URL(`http://${host}`).hostname : "";

const hostOf = (origin: string): string => (URL.canParse(origin) ? new URL(origin).host : "");
