/** Endpoints: each is described once, for the router and for OpenAPI alike. */
import { OpenAPIHono, type RouteConfig } from "@hono/zod-openapi";
import { type ErrorCode, MusterError, type Problem, type Requester } from "@muster/contracts";
import { type Span, traceIdOf } from "@muster/runtime";
import type { Context } from "hono";
import { z } from "zod";
import { type Gateway, SERVICE } from "../gateway.ts";
import { errorResponse } from "./errors.ts";
import { routingPath } from "./paths.ts";
import { ErrorSchema } from "./schemas.ts";

/** What the shell hands in beside the request: who asks. */
export type Env = {
  Bindings: {
    readonly requester: Requester;
    /** Cuts the connection, where there is one. */
    readonly hangUp?: () => void;
  };
  /** The endpoint that took the request, as it is declared. */
  Variables: { route?: string };
};
export type Api = OpenAPIHono<Env>;

export const newApi = (): Api => new OpenAPIHono<Env>({ getPath: (request) => routingPath(request.url) });

type Reply = {
  readonly about: string;
  readonly schema?: z.ZodType;
  /** JSON unless it is said. */
  readonly mediaType?: string;
};

type Description<Q extends z.ZodObject> = {
  /** `/v2/apps/{id}`: an app's id is one segment here, whatever slashes it has. */
  readonly path: string;
  readonly about: string;
  readonly query?: Q;
  /** Only described: bodies are read where problems can name their line. */
  readonly body?: z.ZodType;
  readonly replies: Readonly<Record<number, Reply>>;
  /** Refusals beside those that any endpoint may answer. */
  readonly refusals?: readonly ErrorCode[];
};

export type Call<Q extends z.ZodObject> = { readonly c: Context<Env>; readonly query: z.infer<Q> };

export type Question<Q extends z.ZodObject> = Description<Q> & {
  answer(call: Call<Q>): Response | Promise<Response>;
};

/** Adds a GET endpoint. */
export function addQuestion<Q extends z.ZodObject>(api: Api, question: Question<Q>): void {
  describe(api, "get", question);
  api.get(honoPath(question.path), (c) => {
    c.set("route", question.path);
    return question.answer({ c, query: readQuery(c, question.query) });
  });
}

export type Mutation<Q extends z.ZodObject> = Description<Q> & {
  readonly method: "post" | "put" | "patch" | "delete";
  carryOut(call: Call<Q> & { readonly span: Span }): Promise<Response>;
};

/** Adds an endpoint that changes something: it runs in a span that follows the caller's, and its answer names the trace. */
export function addMutation<Q extends z.ZodObject>(api: Api, gateway: Gateway, mutation: Mutation<Q>): void {
  const { method, path } = mutation;
  describe(api, method, mutation);
  api.on(method.toUpperCase(), honoPath(path), async (c) => {
    c.set("route", path);
    const span = gateway.telemetry.start(SERVICE, `${method.toUpperCase()} ${path}`, {
      kind: "server",
      parent: c.req.header("traceparent") ?? null,
      attributes: { "http.request.method": c.req.method, "http.route": path, "url.path": c.req.path },
    });
    const response = await answered(() => mutation.carryOut({ c, query: readQuery(c, mutation.query), span }), span);
    response.headers.set("X-Muster-Trace", traceIdOf(span.traceparent) ?? "");
    return response;
  });
}

/** The answer or the refusal. A client's mistake is no fault of the span's. */
async function answered(carryOut: () => Promise<Response>, span: Span): Promise<Response> {
  try {
    const response = await carryOut();
    span.set({ "http.response.status_code": response.status });
    span.end();
    return response;
  } catch (error) {
    const response = errorResponse(error);
    span.set({ "http.response.status_code": response.status });
    span.end(response.status >= 500 ? error : undefined);
    return response;
  }
}

/** The methods that some endpoint takes at an address, as routes know it; none where there is nothing. */
export function methodsAt(api: Api, path: string): string[] {
  const segments = path.split("/");
  const isHere = (route: string) => {
    const parts = route.split("/");
    return parts.length === segments.length && parts.every((part, i) => part.startsWith(":") || part === segments[i]);
  };
  const methods = api.routes
    .filter((route) => route.method !== "ALL" && isHere(route.path))
    .map(({ method }) => method);
  return [...new Set(methods.flatMap((method) => (method === "GET" ? ["GET", "HEAD"] : [method])))];
}

const honoPath = (path: string): string => path.replaceAll(/\{([^}]+)\}/g, ":$1");

function describe<Q extends z.ZodObject>(api: Api, method: RouteConfig["method"], described: Description<Q>): void {
  const { path, about, query, body, replies, refusals = [] } = described;
  const names = [...path.matchAll(/\{([^}]+)\}/g)].map((match) => match[1] as string);
  const responses = Object.entries(replies).map(
    ([status, { about: description, schema, mediaType = "application/json" }]) => [
      status,
      schema === undefined ? { description } : { description, content: { [mediaType]: { schema } } },
    ],
  );
  api.openAPIRegistry.registerPath({
    method,
    path,
    summary: about,
    request: {
      ...(names.length === 0 ? {} : { params: z.object(Object.fromEntries(names.map((name) => [name, z.string()]))) }),
      ...(query === undefined ? {} : { query }),
      ...(body === undefined ? {} : { body: { required: true, content: { "application/json": { schema: body } } } }),
    },
    ...(refusals.length === 0 ? {} : { "x-errors": refusals }),
    responses: {
      ...Object.fromEntries(responses),
      default: {
        description: `A refusal${refusals.length === 0 ? "" : `, such as ${refusals.join(", ")}`}`,
        content: { "application/json": { schema: ErrorSchema } },
      },
    },
  });
}

/** The query by its schema: a key that stands twice gives the last, where no list is asked for. Throws `spec.invalid`. */
function readQuery<Q extends z.ZodObject>(c: Context<Env>, schema: Q | undefined): z.infer<Q> {
  if (schema === undefined) return {} as z.infer<Q>;
  const given = new URL(c.req.url).searchParams;
  const values = Object.keys(schema.shape).flatMap((name) => {
    const all = given.getAll(name);
    const isList = schema.shape[name]?.safeParse([]).success === true;
    return all.length === 0 ? [] : [[name, isList ? all : all.at(-1)]];
  });
  const parsed = schema.safeParse(Object.fromEntries(values));
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(
    (issue): Problem => ({ path: `?${issue.path.join(".")}`, message: issue.message }),
  );
  const [first] = problems;
  throw new MusterError("spec.invalid", `${first?.path}: ${first?.message}`, { problems });
}
