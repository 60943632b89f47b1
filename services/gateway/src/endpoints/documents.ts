/** `/openapi.json` and `/asyncapi.json`: this API and its events, described. Made when first asked for. */

import { type Api, addQuestion } from "../http/route.ts";
import { VERSION } from "../version.ts";
import { asyncApiDocument } from "./asyncapi.ts";

export function openApiDocument(api: Api): object {
  return api.getOpenAPI31Document({
    openapi: "3.1.0",
    info: {
      title: "Muster",
      version: VERSION,
      description:
        "Marathon's API under /v2, Muster's own under /v1. Bodies are JSON of any content type. " +
        "Changes answer X-Muster-Trace, and follow the caller's traceparent.",
    },
  });
}

export function addDocuments(api: Api): void {
  const openApi = madeOnce(() => JSON.stringify(openApiDocument(api)));
  const asyncApi = madeOnce(() => JSON.stringify(asyncApiDocument()));
  const json = { "content-type": "application/json" };
  addQuestion(api, {
    path: "/openapi.json",
    about: "This document",
    replies: { 200: { about: "OpenAPI 3.1" } },
    answer: ({ c }) => c.body(openApi(), 200, json),
  });
  addQuestion(api, {
    path: "/asyncapi.json",
    about: "What may be published over NATS, and what is told there",
    replies: { 200: { about: "AsyncAPI 3.0" } },
    answer: ({ c }) => c.body(asyncApi(), 200, json),
  });
}

function madeOnce(make: () => string): () => string {
  let made: string | null = null;
  return () => {
    made ??= make();
    return made;
  };
}
