/** A line of the endpoint table: what is asked, and what is answered. */

/**
 * `usual`: a cluster with agents. `tight` and `full`: other gateways of it, with the smallest settings. `still`: a cluster without any
 * service, where what began never ends.
 */
export type World = "usual" | "tight" | "full" | "still";

export type Row = readonly [
  /**
   * `<task /app>`, `<fresh /app>` (a task that no row named yet), `<deployment /app>` (the running one), `<past /app>` (the newest that ended), `<version /app>` and `<group /group>` (its
   * newest version) stand for what only a running cluster knows; in bodies as well.
   */
  path: string,
  status: number,
  /** What the answer's text holds. */
  says?: RegExp | undefined,
  body?: unknown,
  more?: {
    readonly world?: World;
    readonly headers?: Readonly<Record<string, string>>;
    /** A header of the answer, as `name: value`. */
    readonly tells?: RegExp;
  },
];

export type Endpoint = readonly [
  address: `${"GET" | "POST" | "PUT" | "PATCH" | "DELETE"} /${string}`,
  rows: readonly Row[],
];

/** The ids of a list of apps and no others, in its order. */
export const apps = (...ids: readonly string[]): RegExp =>
  new RegExp(`^\\{"(apps|\\*)":\\[${ids.map((id) => `\\{"id":"${id}",(?:(?!\\{"id":"/).)*`).join("")}\\]\\}$`);

export const app = (id: string, more: object = {}) => ({
  id,
  cmd: "sleep 1000",
  cpus: 0.1,
  mem: 16,
  portDefinitions: [],
  ...more,
});

/** Apps that stand before the first row. Those of the second list wait for ever, in a deployment that runs. */
export const SETTLED = [
  app("/kill", { instances: 6 }),
  app("/shop/db/main", { cmd: "sleep 1001", labels: { tier: "db" } }),
  app("/shop/web", {
    instances: 2,
    labels: { tier: "web", odd: "a,b" },
    portDefinitions: [{ port: 0, name: "web" }],
    readinessChecks: [{ name: "up", portName: "web" }],
  }),
] as const;
export const HELD = ["/big", "/halfway", "/held", "/spare", "/undone"] as const;
export const STANDING = [...SETTLED.map(({ id }) => id), ...HELD].sort();

/** What no agent can obey: a network of another maker. */
export const CANNOT = { container: { type: "DOCKER", docker: { image: "busybox", network: "USER" } } };
