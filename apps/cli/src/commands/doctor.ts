/** `muster doctor`: examines everything it can reach, and says what to do. */
import { MusterError } from "@muster/contracts";
import type { Screen } from "@muster/terminal/screen";
import { pad, wrap } from "@muster/terminal/width";
import { type Context, isForPrograms } from "../context.ts";
import { type Check, examine, fail, type Level } from "../doctor/check.ts";
import { checkCluster, checkServices } from "../doctor/cluster.ts";
import { checkDead } from "../doctor/dead.ts";
import { livingServices } from "../doctor/leases.ts";
import { checkJetStream, checkServer, checkSync } from "../doctor/server.ts";
import { checkQueues, checkStreams, NO_STREAMS } from "../doctor/streams.ts";
import { EXIT, type ExitCode } from "../exit.ts";
import { printDocument } from "../output.ts";
import type { Run } from "../program.ts";
import { type Session, withSession } from "../session.ts";

export const run: Run = async (context) => {
  const checks: Check[] = [];
  const tell = (found: readonly Check[]) => {
    checks.push(...found);
    if (!isForPrograms(context)) for (const check of found) context.out.print(...checkLines(check, context.out));
  };
  try {
    await withSession(context, (session) => examineAll(session, tell));
  } catch (cause) {
    if (!(cause instanceof MusterError)) throw cause;
    tell([fail(cause.code === "nats.no-jetstream" ? "jetstream" : "nats-server", cause.message, {})]);
  }
  return conclude(context, checks);
};

async function examineAll(session: Session, tell: (checks: readonly Check[]) => void): Promise<void> {
  const { nats, client } = session;
  tell(await examine("nats-server", () => checkServer(nats)));
  tell(await examine("jetstream", () => checkJetStream(nats)));
  tell(await examine("disk sync", () => checkSync(nats)));
  const streams = await examine("streams", () => checkStreams(nats));
  tell(streams);
  // What is not there need not be reported missing piece by piece.
  if (streams.some(({ found }) => found === NO_STREAMS)) return;
  try {
    tell(await checkCluster(client));
  } catch (cause) {
    tell([fail("API", (cause as Error).message, {})]);
    tell(await examine("services", async () => checkServices({ services: await livingServices(nats) })));
  }
  tell(await examine("queues", () => checkQueues(nats)));
  tell(await examine("dead messages", () => checkDead(nats)));
}

const LOOKS = { ok: "good", warn: "warn", fail: "bad" } as const;
const NAME_COLUMNS = 24;

export function checkLines({ name, level, found, advice, details }: Check, screen: Screen): string[] {
  const { paint, glyphs } = screen;
  const mark = { ok: glyphs.ok, warn: glyphs.warn, fail: glyphs.bad }[level];
  const indent = " ".repeat(8);
  const room = Math.min(100, screen.columns() - indent.length - 3);
  return [
    `${paint(LOOKS[level], pad(`${mark} ${level}`, 6))}  ${pad(name, NAME_COLUMNS)}${found}`,
    ...details.map((line) => paint("quiet", `${indent}${line}`)),
    ...(advice === null
      ? []
      : wrap(advice, room).map((line, i) => `${indent}${i === 0 ? `${glyphs.arrow} ` : "  "}${line}`)),
  ];
}

function conclude(context: Context, checks: readonly Check[]): ExitCode {
  const count = (level: Level) => checks.filter((check) => check.level === level).length;
  const [failed, warned] = [count("fail"), count("warn")];
  if (isForPrograms(context)) printDocument(context, checks);
  else {
    const { paint } = context.err;
    const summary =
      failed > 0
        ? paint("bad", `${failed} failed`)
        : warned > 0
          ? paint("warn", "works, with warnings")
          : paint("good", "all is well");
    context.err.print("", `${summary}${paint("quiet", `: ${count("ok")} ok, ${warned} warn, ${failed} fail`)}`);
  }
  return failed > 0 ? EXIT.failed : EXIT.reached;
}
