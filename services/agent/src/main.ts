/** The agent as a process of its own: `node services/agent/src/main.ts --help`. */
import { runProcess } from "@muster/runtime";
import { AgentStop, startAgent } from "./service.ts";
import { agentSettings } from "./settings.ts";

function leave(cause: unknown): never {
  if (!(cause instanceof Error)) throw cause;
  process.stderr.write(`agent: ${cause.message}\n`);
  process.exit(cause instanceof AgentStop ? cause.exitCode : 1);
}

await runProcess("agent", agentSettings, async (config) => {
  const agent = await startAgent(config).catch((cause: unknown) => {
    if (cause instanceof AgentStop) leave(cause);
    throw cause;
  });
  void agent.stoppedItself.then(async (cause) => {
    await agent.stop({ keepTasks: true });
    leave(cause);
  });
  return agent;
});
