/** `/metrics`: figures of this gateway's process, for dashboards that read Marathon's form and for Prometheus. */
import { z } from "@hono/zod-openapi";
import type { Gateway } from "../gateway.ts";
import { type Api, addQuestion } from "../http/route.ts";

const figures = z.record(z.string(), z.looseObject({}));

export function addMetrics(api: Api, { metrics }: Gateway): void {
  addQuestion(api, {
    path: "/metrics",
    about: "Figures of this process, in Dropwizard's form",
    replies: {
      200: {
        about: "By kind and name",
        schema: z.looseObject({ version: z.string(), gauges: figures, counters: figures }),
      },
    },
    answer: async ({ c }) => c.json(await metrics.json()),
  });
  addQuestion(api, {
    path: "/metrics/prometheus",
    about: "The same for Prometheus",
    replies: { 200: { about: "Text exposition format 0.0.4" } },
    answer: async ({ c }) =>
      c.body(await metrics.prometheus(), 200, { "content-type": "text/plain; version=0.0.4; charset=utf-8" }),
  });
}
