/** Names, arguments and options of all commands. What they do is loaded when one of them runs. */
import { Command, Option } from "commander";
import { number } from "./arguments.ts";
import { type Context, contextOf, type GlobalOptions, OUTPUTS } from "./context.ts";
import type { ExitCode } from "./exit.ts";
import { dressHelp, examplesText, exitCodesText } from "./help.ts";

type Options = Readonly<Record<string, unknown>>;
/** A command, once loaded. Answers its exit code. */
export type Run = (context: Context, args: readonly string[], options: Options) => Promise<ExitCode>;

type Frame = { readonly signal: AbortSignal; readonly onExit: (code: number) => void };
type Entry = {
  readonly usage: string;
  readonly about: string;
  readonly examples: readonly (readonly [command: string, meaning: string])[];
  readonly options?: readonly Option[];
  readonly load: () => Promise<Run>;
};

const option = (flags: string, about: string): Option => new Option(flags, about);
const waiting = [
  option("-d, --detach", "do not wait: print the deployment's id"),
  option("--timeout <seconds>", "how long to wait; 0 for ever").default(600).argParser(number("--timeout")),
  option("--force", "overtake a deployment of the app that is running"),
];

const SHIP: readonly Entry[] = [
  {
    usage: "run <file>",
    about: "start or update an app from a JSON or YAML file",
    examples: [
      ["muster run hello.json", "until it runs, with live progress"],
      ["muster run -d hello.yaml", "print the deployment's id and return"],
      ["cat hello.json | muster run - -o json", "progress as NDJSON, the verdict last"],
    ],
    options: waiting,
    load: async () => (await import("./commands/run.ts")).run,
  },
  {
    usage: "plan <file>",
    about: "show what run would change, and where instances would be placed; changes nothing",
    examples: [
      ["muster plan hello.json", "the difference, the agents, what stops, what has no place and why"],
      ["muster plan hello.yaml --json", "for programs; the same as -o json"],
      ["muster plan hello.json; [ $? -eq 10 ]", "exit code 0: no change, 10: all has a place, 3: some has none"],
    ],
    options: [
      option("--json", "one JSON document"),
      option("--force", "as if run with --force: a deployment that runs would be overtaken"),
    ],
    load: async () => (await import("./commands/plan.ts")).run,
  },
  {
    usage: "scale <app> [instances]",
    about: "change how many instances run",
    examples: [
      ["muster scale hello 5", "five instances"],
      ["muster scale hello=5", "the same"],
    ],
    options: waiting,
    load: async () => (await import("./commands/scale.ts")).run,
  },
  {
    usage: "restart <app>",
    about: "replace all instances by new ones",
    examples: [["muster restart hello", "rolling, as its upgradeStrategy says"]],
    options: waiting,
    load: async () => (await import("./commands/restart.ts")).run,
  },
  {
    usage: "stop <app>",
    about: "stop all instances of an app, which stays",
    examples: [["muster stop hello", "the same as: muster scale hello 0"]],
    options: waiting,
    load: async () => (await import("./commands/stop.ts")).run,
  },
  {
    usage: "rm <app>",
    about: "stop all instances of an app and forget it",
    examples: [["muster rm hello", "until the last instance has ended"]],
    options: waiting,
    load: async () => (await import("./commands/rm.ts")).run,
  },
];

const SEE: readonly Entry[] = [
  {
    usage: "apps",
    about: "list apps",
    examples: [["muster apps", "all of them"]],
    load: async () => (await import("./commands/apps.ts")).run,
  },
  {
    usage: "ps [app]",
    about: "list instances",
    examples: [
      ["muster ps", "instances of all apps"],
      ["muster ps hello --all", "those of one app, ended ones too"],
    ],
    options: [option("-a, --all", "ended instances too")],
    load: async () => (await import("./commands/ps.ts")).run,
  },
  {
    usage: "agents",
    about: "list machines and what is used of them",
    examples: [["muster agents -o wide", "with attributes and addresses"]],
    load: async () => (await import("./commands/agents.ts")).run,
  },
  {
    usage: "logs <app|instance>",
    about: "show output of instances, ended ones too",
    examples: [
      ["muster logs -f hello", "follow all instances, new ones too"],
      ["muster logs --tail 20 hello.0", "the last lines of slot 0"],
    ],
    options: [
      option("-f, --follow", "go on as output comes"),
      option("-n, --tail <lines>", "only the last lines of each instance").argParser(number("--tail")),
      option("--stdout", "standard output only"),
      option("--stderr", "standard error only"),
    ],
    load: async () => (await import("./commands/logs.ts")).run,
  },
  {
    usage: "events",
    about: "show what happened, or what happens",
    examples: [
      ["muster events", "the last hour"],
      ["muster events -f", "what happens from now on"],
      ["muster events --from 10m --app hello", "ten minutes of one app"],
      ["muster events --from 4711 -f -o json", "from a sequence on, for programs"],
    ],
    options: [
      option("-f, --follow", "go on as events come"),
      option("--from <when>", "a sequence (4711), an age (10m) or a time (2026-11-20T12:00:00Z)"),
      option("--app <app>", "events of this app only"),
    ],
    load: async () => (await import("./commands/events.ts")).run,
  },
  {
    usage: "why <app|instance>",
    about: "say why something does not run",
    examples: [["muster why hello", "which checks refuse which agents, and what would help"]],
    load: async () => (await import("./commands/why.ts")).run,
  },
];

const OPERATE: readonly Entry[] = [
  {
    usage: "up",
    about: "start a whole cluster on this machine",
    examples: [["muster up", "everything that is needed, until Ctrl-C"]],
    load: async () => (await import("./commands/up.ts")).run,
  },
  {
    usage: "doctor",
    about: "examine the cluster and say what to do",
    examples: [["muster doctor", "exits 1 when something is broken"]],
    load: async () => (await import("./commands/doctor.ts")).run,
  },
  {
    usage: "version",
    about: "show versions",
    examples: [["muster version -o json", "for programs"]],
    load: async () => (await import("./commands/version.ts")).run,
  },
];

export function buildProgram(frame: Frame): Command {
  const program = new Command("muster")
    .description("Runs your programs on many machines, and always says why.")
    .addHelpText(
      "before",
      examplesText([
        ["muster run hello.json", "start an app and watch it come up"],
        ["muster ps", "what runs where"],
        ["muster logs -f hello", "output of all its instances"],
        ["muster why hello", "why it does not run"],
      ]),
    )
    .addHelpText("after", exitCodesText())
    .helpOption("-h, --help", "show help")
    .helpCommand("help [command]", "show help of a command")
    .exitOverride();
  program
    .option("-s, --server <url>", "nats-server to talk to (or NATS_URL)")
    .option("--context <name>", "NATS context to use (or NATS_CONTEXT)")
    .addOption(option("-o, --output <format>", "how data is written").choices(OUTPUTS))
    .option("--no-color", "no colours (also NO_COLOR)")
    .option("--plain", "no redrawing: one line per change");
  dressHelp(program);
  for (const [group, entries] of [
    ["Ship:", SHIP],
    ["See:", SEE],
    ["Operate:", OPERATE],
  ] as const)
    for (const entry of entries) program.addCommand(commandOf(entry, frame, program).helpGroup(group));
  return program;
}

function commandOf({ usage, about, examples, options = [], load }: Entry, frame: Frame, program: Command): Command {
  const [name = "", ...parameters] = usage.split(" ");
  const command = new Command(name).copyInheritedSettings(program).description(about);
  command.createHelp = program.createHelp;
  command.helpOption("-h, --help", "show help").addHelpText("before", examplesText(examples));
  for (const parameter of parameters) command.argument(parameter);
  for (const one of options) command.addOption(one);
  return command.action(async () => {
    const context = contextOf(program.opts<GlobalOptions>(), frame.signal);
    // Libraries log for services; a command speaks for itself, unless somebody asks.
    if (name !== "up") process.env.MUSTER_LOG_LEVEL ??= "silent";
    const run = await load();
    frame.onExit(await run(context, command.args, command.opts()));
  });
}
