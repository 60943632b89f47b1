/** The helper of `starter.ts`: starts what it is told to, says what became of it, and ends when its agent does. */
import { spawnTask } from "./spawn.ts";
import type { HelperAnswer, HelperRequest } from "./starter.ts";

const say = (answer: HelperAnswer): void => {
  // An agent that was killed hears nothing any more, and that is no fault of ours.
  if (process.connected) process.send?.(answer, undefined, {}, () => {});
};

process.on("message", async ({ id, request }: HelperRequest) => {
  try {
    const { pid, startTime, exited } = await spawnTask(request);
    say({ type: "started", id, pid, startTime });
    say({ type: "ended", id, exit: await exited });
  } catch (cause) {
    say({ type: "failed", id, message: (cause as Error).message });
  }
});
process.once("disconnect", () => process.exit(0));
// Whoever ends a whole group or container means the agent, which then disconnects.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => {});
say({ type: "ready" });
