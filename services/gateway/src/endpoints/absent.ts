/** What Marathon has and this cluster has not: said so in a form that its clients understand. */
import { z } from "@hono/zod-openapi";
import { MusterError } from "@muster/contracts";
import type { Gateway } from "../gateway.ts";
import { absoluteId } from "../http/paths.ts";
import { type Api, addMutation, addQuestion } from "../http/route.ts";

const NO_PODS = "this cluster supports no pods: use apps in a group";

const noPods = (): MusterError => new MusterError("spec.unsupported", `Nothing was changed: ${NO_PODS}`);

/** Addresses go on with `::status`, `::versions` or `::instances` after a pod's id. */
const unknownPod = (address: string): MusterError =>
  new MusterError("pod.unknown", `Pod '${absoluteId(address.split("::", 1)[0] as string)}' does not exist: ${NO_PODS}`);

export function addAbsent(api: Api, gateway: Gateway): void {
  addQuestion(api, {
    path: "/v2/plugins",
    about: "Plugins: there are none",
    replies: { 200: { about: "An empty list", schema: z.object({ plugins: z.array(z.object({})) }) } },
    answer: ({ c }) => c.json({ plugins: [] }),
  });
  addQuestion(api, {
    path: "/v2/pods",
    about: "Pods: there are none. HEAD, by which clients ask whether pods are there at all, is 404",
    replies: { 200: { about: "An empty list", schema: z.array(z.object({})) } },
    answer: ({ c }) => (c.req.method === "HEAD" ? c.body(null, 404) : c.json([])),
  });
  addQuestion(api, {
    path: "/v2/pods/{id}",
    about: "A pod: there are none, so the list of their states is empty",
    replies: { 200: { about: "An empty list for ::status", schema: z.array(z.object({})) } },
    refusals: ["pod.unknown"],
    answer({ c }) {
      const id = c.req.param("id") ?? "";
      if (id === "::status") return c.json([]);
      throw unknownPod(id);
    },
  });
  addMutation(api, gateway, {
    method: "delete",
    path: "/v2/pods/{id}",
    about: "A pod, or its instances: there are none",
    replies: {},
    refusals: ["pod.unknown"],
    carryOut: ({ c }) => Promise.reject(unknownPod(c.req.param("id") ?? "")),
  });
  for (const [method, path] of [
    ["post", "/v2/pods"],
    ["put", "/v2/pods/{id}"],
  ] as const)
    addMutation(api, gateway, {
      method,
      path,
      about: "Pods cannot be run yet",
      replies: {},
      refusals: ["spec.unsupported"],
      carryOut: () => Promise.reject(noPods()),
    });
}
