/** Names, arguments and options of all commands. What they do is loaded when one of them runs. */
import { Command, Option } from "commander";
import { number } from "./arguments.ts";
import { type Context, contextOf, type GlobalOptions, OUTPUTS } from "./context.ts";
import type { ExitCode } from "./exit.ts";
import { dressHelp, examplesText, exitCodesText } from "./help.ts";
import { ownVersion } from "./own-version.ts";

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
const waitingFor = (seconds: number): readonly Option[] => [
  option("-d, --detach", "do not wait: print the deployment's id"),
  option("--timeout <seconds>", "how long to wait; 0 for ever").default(seconds).argParser(number("--timeout")),
  option("--force", "overtake a deployment of the app that is running"),
];
const waiting = waitingFor(600);

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
    usage: "deploy [files...]",
    about: "run with its plan, stages and waits; the server says how it came out",
    examples: [
      ["muster deploy hello.json", "until the server says how it came out; Ctrl-C only stops watching"],
      ["muster deploy shop.yaml", "a group: all its apps in one deployment, step by step"],
      ["muster deploy apps/ web.json", "the apps of a folder and of a file, in one deployment"],
      ["muster deploy shop.yaml --dry-run", "what would happen; the same as muster plan"],
      ["muster deploy --attach hello", "the same picture of the app's running deployment"],
      ["muster deploy hello.json | jq .state", "off a terminal one JSON object per change"],
    ],
    options: [
      option("--attach <id|app>", "begin nothing: watch a deployment, or the one that changes an app"),
      option("--dry-run", "change nothing: show the plan"),
      ...waitingFor(0),
    ],
    load: async () => (await import("./commands/deploy.ts")).run,
  },
  {
    usage: "plan <file>",
    about: "show what run would change, and where instances would be placed; changes nothing",
    examples: [
      ["muster plan hello.json", "the difference, the agents, what stops, what has no place and why"],
      ["muster plan hello.yaml --json", "for programs; the same as -o json"],
      ["muster plan shop.yaml", "the steps that a change of a group would take"],
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
    usage: "kill <instance>",
    about: "end one instance; another takes its place",
    examples: [
      ["muster kill hello.0", "the instance in slot 0"],
      ["muster kill hello.0 --scale", "and one fewer from now on"],
    ],
    options: [option("--scale", "none takes its place: the app has one instance fewer"), ...waiting],
    load: async () => (await import("./commands/kill.ts")).run,
  },
  {
    usage: "rm <app>",
    about: "stop all instances of an app, or of a group's apps, and forget them",
    examples: [
      ["muster rm hello", "until the last instance has ended"],
      ["muster rm shop", "a group: all that stands in it, what depends on something first"],
    ],
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
    usage: "queue",
    about: "list what waits for a place or for its next attempt, and which checks refuse it",
    examples: [["muster queue", "how many wait, since when, until when"]],
    load: async () => (await import("./commands/queue.ts")).run,
  },
  {
    usage: "why <app|instance>",
    about: "say why something does not run",
    examples: [["muster why hello", "which checks refuse which agents, and what would help"]],
    load: async () => (await import("./commands/why.ts")).run,
  },
];

const STEER: readonly Entry[] = [
  {
    usage: "deployments [app]",
    about: "list deployments that run or ended in the last days",
    examples: [
      ["muster deployments", "who asked, how far they are, how they came out"],
      ["muster deployments hello --running", "what changes one app just now"],
    ],
    options: [option("--running", "only those that run")],
    load: async () => (await import("./commands/deployments.ts")).run,
  },
  {
    usage: "promote <id|app>",
    about: "let a deployment that waits go on to its next stage",
    examples: [["muster promote hello", "the canary was good: all of them"]],
    load: async () => (await import("./commands/steer.ts")).promote,
  },
  {
    usage: "pause <id|app>",
    about: "let a deployment go no further; what stands is kept alive",
    examples: [["muster pause hello", "new and old instances stay as they stand"]],
    load: async () => (await import("./commands/steer.ts")).pause,
  },
  {
    usage: "resume <id|app>",
    about: "let a paused deployment go on",
    examples: [["muster resume hello", "from where it was paused"]],
    load: async () => (await import("./commands/steer.ts")).resume,
  },
  {
    usage: "abort <id|app>",
    about: "end a deployment half way, and undo nothing",
    examples: [["muster abort hello", "muster rollback goes back instead"]],
    load: async () => (await import("./commands/steer.ts")).abort,
  },
  {
    usage: "rollback <id|app>",
    about: "undo a running deployment, or go back to an earlier version",
    examples: [
      ["muster rollback hello", "undo what runs; else the version before"],
      ["muster rollback hello --to 2026-11-20T12:00", "any version that is kept, by its beginning"],
    ],
    options: [option("--to <version>", "the version to go back to: see muster history"), ...waitingFor(0)],
    load: async () => (await import("./commands/rollback.ts")).run,
  },
  {
    usage: "history <app>",
    about: "list the versions of an app and how their deployments came out",
    examples: [["muster history hello", "newest first; the arrow is where it stands"]],
    load: async () => (await import("./commands/history.ts")).run,
  },
  {
    usage: "diff <app>",
    about: "show what one version of an app says otherwise than another",
    examples: [
      ["muster diff hello", "the version it stands at, and the one before"],
      ["muster diff hello --from 2026-11-19 --to 2026-11-20T12", "any two, by their beginnings"],
    ],
    options: [
      option("--from <version>", "the older one; else the one before --to"),
      option("--to <version>", "the newer one; else the one the app stands at"),
    ],
    load: async () => (await import("./commands/diff.ts")).run,
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
    .version(ownVersion(), "-V, --version", "show the version of this command")
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
    ["Steer:", STEER],
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
