import assert from "node:assert/strict";
import { test } from "node:test";
import { EVENTS } from "@muster/contracts";
import { APP_FIELDS } from "@muster/contracts/spec/read/fields";
import { createApi } from "../api.ts";
import { AppInputSchema } from "../http/schemas.ts";
import { fakeGateway } from "../testing/fake-gateway.ts";
import { asyncApiDocument } from "./asyncapi.ts";
import { openApiDocument } from "./documents.ts";

type Json = Record<string, unknown>;

/** Every `$ref` of a document, and whether it leads somewhere. */
function brokenRefs(document: Json): string[] {
  const broken: string[] = [];
  const walk = (value: unknown): void => {
    if (typeof value !== "object" || value === null) return;
    for (const [key, item] of Object.entries(value)) {
      if (key === "$ref" && (typeof item !== "string" || resolve(document, item) === undefined))
        broken.push(String(item));
      walk(item);
    }
  };
  walk(document);
  return broken;
}

function resolve(document: Json, ref: string): unknown {
  if (!ref.startsWith("#/")) return undefined;
  const parts = ref
    .slice(2)
    .split("/")
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
  return parts.reduce<unknown>((value, part) => (value as Json | undefined)?.[part], document);
}

const asJson = (document: object): Json => JSON.parse(JSON.stringify(document));

test("OpenAPI: every route is described, every reference resolves, every parameter of a path is declared", async () => {
  const api = createApi(await fakeGateway());
  const document = asJson(openApiDocument(api));
  assert.equal(document.openapi, "3.1.0");
  assert.deepEqual(brokenRefs(document), []);
  const paths = document.paths as Record<
    string,
    Record<string, { summary?: string; parameters?: { name: string; in: string }[]; responses: Json }>
  >;
  const described = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method} ${path}`),
  );
  const served = api.routes
    .filter((route) => route.method !== "ALL")
    .map((route) => `${route.method.toLowerCase()} ${route.path.replaceAll(/:(\w+)/g, "{$1}")}`);
  assert.deepEqual(described.sort(), [...new Set(served)].sort());
  for (const [path, methods] of Object.entries(paths)) {
    for (const [method, { summary, parameters = [], responses }] of Object.entries(methods)) {
      const where = `${method} ${path}`;
      assert.ok(summary, where);
      assert.ok("default" in responses, where);
      for (const [, name] of path.matchAll(/\{(\w+)\}/g)) {
        assert.ok(
          parameters.some((parameter) => parameter.in === "path" && parameter.name === name),
          where,
        );
      }
    }
  }
  const force = paths["/v2/apps/{id}"]?.delete?.parameters?.find((parameter) => parameter.name === "force");
  assert.deepEqual((force as unknown as { schema: Json }).schema.default, true);
});

test("AsyncAPI: every event has a channel and a payload, and every reference resolves", () => {
  const document = asJson(asyncApiDocument());
  assert.equal(document.asyncapi, "3.0.0");
  assert.deepEqual(brokenRefs(document), []);
  const channels = document.channels as Record<string, { address: string | null; parameters?: Json; messages: Json }>;
  const addresses = Object.values(channels).map((channel) => channel.address);
  for (const { kind, name } of Object.values(EVENTS)) {
    assert.ok(
      addresses.some((address) => address?.startsWith(`muster.events.${kind}.`) && address.endsWith(`.${name}`)),
      name,
    );
  }
  assert.ok(addresses.includes("muster.submit.app"));
  assert.ok(addresses.includes("muster.events.task.{app}.{slot}.{attempt}.{state}"));
  for (const [name, { address, parameters = {} }] of Object.entries(channels)) {
    const names = [...(address ?? "").matchAll(/\{(\w+)\}/g)].map((match) => match[1]);
    assert.deepEqual(Object.keys(parameters), names, name);
    for (const parameter of Object.values(parameters)) assert.ok((parameter as Json).description, name);
  }
  const schemas = (document.components as { schemas: Record<string, Json> }).schemas;
  for (const [name, schema] of Object.entries(schemas)) assert.equal(schema.type, "object", name);
});

test("every field that is described is one that specs have", () => {
  for (const field of Object.keys(AppInputSchema.shape)) assert.ok(APP_FIELDS.includes(field), field);
});
