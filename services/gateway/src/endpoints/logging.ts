/** `/logging`: the levels of this process's logs, in the words that Marathon's clients send. */
import { z } from "@hono/zod-openapi";
import { MusterError } from "@muster/contracts";
import { LOG_LEVELS, type LogLevel, logLevels, setLogLevel } from "@muster/runtime";
import { type Gateway, validate } from "../gateway.ts";
import { readAs, readDocument } from "../http/body.ts";
import { type Api, addMutation, addQuestion } from "../http/route.ts";

const ALL = "ROOT";
const SECONDS_MAX = 86_400;

/** What is silent here is `OFF` there. */
const wordOf = (level: string): string => (level === "silent" ? "OFF" : level.toUpperCase());

const LoggingSchema = z
  .object({
    logger: z.string().describe("a component, or ROOT for all of them"),
    level: z
      .string()
      .transform((word) => (word.toLowerCase() === "off" ? "silent" : word.toLowerCase()))
      .pipe(z.enum(LOG_LEVELS))
      .openapi({ type: "string", enum: LOG_LEVELS.map(wordOf) }),
    durationSeconds: z.number().positive().max(SECONDS_MAX).optional().describe("afterwards it is as before"),
  })
  .openapi("Logging");
const levels = z.record(z.string(), z.string());

export function addLogging(api: Api, gateway: Gateway): void {
  addQuestion(api, {
    path: "/logging",
    about: "Levels of this process's logs, by component",
    replies: { 200: { about: "TRACE, DEBUG, INFO, WARN, ERROR or OFF", schema: levels } },
    answer: ({ c }) => c.json(told()),
  });
  addMutation(api, gateway, {
    method: "post",
    path: "/logging",
    about: "Sets a level in this process, for a while or until it ends",
    body: LoggingSchema,
    replies: { 200: { about: "The levels as they are now", schema: levels } },
    refusals: ["spec.type", "spec.invalid"],
    async carryOut({ c, span }) {
      const asked = await validate(gateway, span, async () =>
        readAs(LoggingSchema, await readDocument(c.req.raw, gateway.limits.bodyBytes)),
      );
      set(asked.logger, asked.level, asked.durationSeconds);
      return c.json(told());
    },
  });
}

const told = () => Object.fromEntries([...logLevels()].sort().map(([component, level]) => [component, wordOf(level)]));

function set(logger: string, level: LogLevel, seconds: number | undefined): void {
  const undo = setLogLevel(logger === ALL ? null : logger, level);
  if (undo === null) {
    const message = `there is no logger ${logger}: GET /logging lists those there are, ${ALL} is all of them`;
    throw new MusterError("spec.invalid", `/logger: ${message}`, { problems: [{ path: "/logger", message }] });
  }
  if (seconds !== undefined) setTimeout(undo, seconds * 1_000).unref();
}
