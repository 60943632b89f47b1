/** The `muster` command. Only what `--help` needs is loaded here; every command loads itself. */
import { CommanderError } from "commander";
import { screensOf } from "./context.ts";
import { EXIT } from "./exit.ts";
import { buildProgram } from "./program.ts";

const SIGNAL_EXIT = { SIGINT: EXIT.interrupted, SIGTERM: 143, SIGHUP: 129 } as const;
/** After a signal a command may say goodbye, but not for long. */
const GOODBYE_MS = 2_000;

async function main(argv: readonly string[]): Promise<number> {
  // Its settings are the server's own: they are passed on unread.
  if (argv[0] === "up") return (await import("./commands/up.ts")).runUp(argv.slice(1));
  const interrupt = new AbortController();
  let signalled: number | null = null;
  for (const [signal, code] of Object.entries(SIGNAL_EXIT))
    process.on(signal, () => {
      if (signalled !== null) process.exit(code);
      signalled = code;
      interrupt.abort();
      setTimeout(() => process.exit(code), GOODBYE_MS).unref();
    });
  let code: number = EXIT.reached;
  const program = buildProgram({
    signal: interrupt.signal,
    onExit: (result) => {
      code = result;
    },
  });
  if (argv.length === 0) program.outputHelp();
  else await program.parseAsync([...argv], { from: "user" });
  return signalled ?? code;
}

async function exitCodeAfter(cause: unknown): Promise<number> {
  // Commander has already said what was wrong with the command line.
  if (cause instanceof CommanderError) return cause.exitCode === 0 ? EXIT.reached : EXIT.usage;
  const { printError } = await import("./errors.ts");
  return printError(cause, screensOf({ plain: false, colour: undefined }).err);
}

// `muster apps | head` closes our output early; that is no error.
process.stdout.on("error", (cause: NodeJS.ErrnoException) => process.exit(cause.code === "EPIPE" ? 0 : 1));

main(process.argv.slice(2))
  .catch(exitCodeAfter)
  .then((code) => process.exit(code));
