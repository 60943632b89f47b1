/** The whole cluster from one command: nats-server, every service in this process, each agent in a process of its own. */
import { MusterError } from "@muster/contracts";
import { HelpWanted, readSettings, SettingsError } from "@muster/runtime";
import { standaloneSettings } from "./settings.ts";
import { startStandalone } from "./standalone.ts";

try {
  const config = readSettings("npm start --", standaloneSettings, { argv: process.argv.slice(2) });
  await startStandalone(config);
} catch (cause) {
  if (cause instanceof HelpWanted) process.stdout.write(cause.message);
  else {
    const isExpected = cause instanceof MusterError || cause instanceof SettingsError;
    process.stderr.write(`muster: ${isExpected ? cause.message : (cause as Error).stack}\n`);
  }
  process.exit(cause instanceof HelpWanted ? 0 : cause instanceof SettingsError ? 2 : 1);
}
