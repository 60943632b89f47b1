/** Marathon's check: asked again and again while an instance runs, and nothing follows from it but that its result is shown. */
import { z } from "zod";

export const CHECK_SCHEMES = ["HTTP", "HTTPS"] as const;

/** One of the two: a place among the app's ports, counted from 0, or a number. */
const Port = { portIndex: z.int().min(0).nullable(), port: z.int().min(1).max(65_535).nullable() };

export const CheckSchema = z.object({
  probe: z.discriminatedUnion("type", [
    z.object({ type: z.literal("http"), ...Port, path: z.string(), scheme: z.enum(CHECK_SCHEMES) }),
    z.object({ type: z.literal("tcp"), ...Port }),
    /** A shell line, or arguments that no shell reads. */
    z.object({ type: z.literal("exec"), command: z.union([z.string(), z.array(z.string()).min(1)]) }),
  ]),
  intervalSeconds: z.number().positive(),
  timeoutSeconds: z.number().positive(),
  /** From the start of an instance to the first question. */
  delaySeconds: z.number().min(0),
});
export type Check = z.infer<typeof CheckSchema>;

/** As Marathon writes it. */
export function renderCheck({ probe, ...times }: Check): Record<string, unknown> {
  switch (probe.type) {
    case "exec": {
      const { command } = probe;
      return { exec: { command: typeof command === "string" ? { shell: command } : { argv: command } }, ...times };
    }
    case "http": {
      const { path, scheme } = probe;
      return { http: { ...portOf(probe), path, scheme }, ...times };
    }
    case "tcp":
      return { tcp: portOf(probe), ...times };
  }
}

const portOf = ({ portIndex, port }: { readonly portIndex: number | null; readonly port: number | null }) =>
  port === null ? { portIndex: portIndex ?? 0 } : { port };
