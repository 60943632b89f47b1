/** infra/compose.yaml as data. A key that is not described here is refused, so that nothing stands there untested. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";
import { z } from "zod";

export const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const COMPOSE_FILE = "infra/compose.yaml";

const texts = z.array(z.string()).default([]);
const duration = z.string().regex(/^\d+s$/);

const ServiceSchema = z.strictObject({
  image: z.string(),
  build: z
    .strictObject({ context: z.string(), dockerfile: z.string(), args: z.record(z.string(), z.string()) })
    .optional(),
  command: texts,
  user: z.string().optional(),
  network_mode: z.literal("host").optional(),
  pid: z.literal("host").optional(),
  restart: z.literal("unless-stopped"),
  stop_grace_period: duration.optional(),
  read_only: z.boolean().default(false),
  cap_drop: texts,
  cap_add: texts,
  security_opt: texts,
  depends_on: z.record(z.string(), z.strictObject({ condition: z.literal("service_healthy") })).default({}),
  environment: z.record(z.string(), z.string()).default({}),
  ports: texts,
  volumes: texts,
  healthcheck: z
    .strictObject({
      test: z.tuple([z.literal("CMD")], z.string()),
      interval: duration,
      timeout: duration,
      retries: z.int(),
    })
    .optional(),
  logging: z.strictObject({ driver: z.literal("json-file"), options: z.record(z.string(), z.string()) }),
  deploy: z.strictObject({ resources: z.strictObject({ limits: z.strictObject({ memory: z.string() }) }) }),
});

const ComposeSchema = z
  .object({
    name: z.string(),
    services: z.record(z.string(), ServiceSchema),
    volumes: z.record(z.string(), z.null()),
  })
  .catchall(z.unknown());

export type ComposeService = z.infer<typeof ServiceSchema>;
export type Compose = { readonly services: ReadonlyMap<string, ComposeService>; readonly volumes: readonly string[] };

/** Variables take their defaults, anchors and merges are resolved. */
export function readCompose(): Compose {
  const text = readFileSync(join(ROOT, COMPOSE_FILE), "utf8").replaceAll(/\$\{\w+:-([^}]*)\}/g, "$1");
  const { services, volumes, name: _, ...extensions } = ComposeSchema.parse(parse(text, { merge: true }));
  const unknown = Object.keys(extensions).filter((key) => !key.startsWith("x-"));
  if (unknown.length > 0) throw new Error(`${COMPOSE_FILE} has ${unknown.join(", ")}, which no test reads`);
  return { services: new Map(Object.entries(services)), volumes: Object.keys(volumes) };
}

const MAIN = /^services\/([a-z-]+)\/src\/main\.ts$/;

/** The folder below services/ whose program the container runs, or null where the image is not ours. */
export const programOf = (service: ComposeService): string | null => MAIN.exec(service.command[0] ?? "")?.[1] ?? null;

/** `127.0.0.1:8080:8080`, and nothing shorter: without an address the port would be open to everybody. */
export function publishedPort(text: string): {
  readonly address: string;
  readonly host: number;
  readonly container: number;
} {
  const match = /^([\d.]+):(\d+):(\d+)$/.exec(text);
  if (match === null) throw new Error(`the port ${text} is not ADDRESS:HOST:CONTAINER`);
  return { address: match[1] as string, host: Number(match[2]), container: Number(match[3]) };
}

/** `SOURCE:TARGET` or `SOURCE:TARGET:ro`; a source with a slash is a path, seen from infra/. */
export function volumeOf(text: string): { readonly source: string; readonly target: string; readonly isPath: boolean } {
  const [source = "", target = ""] = text.split(":");
  return { source, target, isPath: source.includes("/") };
}
