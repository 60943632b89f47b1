/** How help looks: examples first, then what there is, then the reference. */
import { styleText } from "node:util";
import { type Command, Help, type Option } from "commander";
import { EXIT_MEANINGS } from "./exit.ts";

const title = (text: string): string => styleText("bold", text, { stream: process.stdout });

export function examplesText(examples: readonly (readonly [command: string, meaning: string])[]): string {
  const width = Math.max(...examples.map(([command]) => command.length));
  const lines = examples.map(([command, meaning]) => `  ${command.padEnd(width)}  ${meaning}`);
  return `${[title("Examples:"), ...lines].join("\n")}\n`;
}

export function exitCodesText(): string {
  const lines = EXIT_MEANINGS.map(([code, meaning]) => `  ${String(code).padEnd(4)} ${meaning}`);
  return `\n${[title("Exit codes:"), ...lines].join("\n")}`;
}

export function dressHelp(program: Command): void {
  program.createHelp = () => new CommandsFirst();
  program.configureOutput({
    outputError: (text, write) => write(text.replace(/^error: /, "muster: ")),
  });
  program.showHelpAfterError('See "muster --help".');
}

type Item = readonly [term: string, description: string];

/** People look for a command first and for an option second. */
class CommandsFirst extends Help {
  override formatHelp(command: Command, helper: Help): string {
    const groups: (readonly [title: string, items: Item[]])[] = [];
    const commands = helper.visibleCommands(command).filter((one) => one.name() !== "help");
    for (const [name, members] of Map.groupBy(commands, (one) => one.helpGroup()))
      groups.push([name, members.map((one) => [termOf(one), one.description()])]);
    const optionOf = (one: Option): Item => [helper.optionTerm(one), helper.optionDescription(one)];
    const isProgram = command.parent === null;
    groups.push(["Options:", helper.visibleOptions(command).map(optionOf)]);
    let root = command;
    while (root.parent !== null) root = root.parent;
    const globals = isProgram ? [] : helper.visibleOptions(root).filter((one) => one.long !== "--help");
    groups.push(["Global options:", globals.map(optionOf)]);
    const width = Math.max(...groups.flatMap(([, items]) => items.map(([term]) => term.length)));
    const sections = groups
      .filter(([, items]) => items.length > 0)
      .map(([name, items]) => `${title(name)}\n${items.map((item) => this.#line(item, width, helper)).join("\n")}`);
    const about = `${title("Usage:")} ${helper.commandUsage(command)}\n\n${sentence(command.description())}`;
    return `${[about, ...sections].join("\n\n")}\n`;
  }

  override optionDescription(option: Option): string {
    const notes = [
      ...(option.argChoices === undefined ? [] : [option.argChoices.join(", ")]),
      ...(option.defaultValue === undefined || option.negate ? [] : [`default ${option.defaultValue}`]),
    ];
    return notes.length === 0 ? option.description : `${option.description} (${notes.join("; ")})`;
  }

  #line([term, description]: Item, width: number, helper: Help): string {
    return helper.formatItem(term, width, description, helper);
  }
}

const termOf = (command: Command): string =>
  [
    command.name(),
    ...command.registeredArguments.map((one) => (one.required ? `<${one.name()}>` : `[${one.name()}]`)),
  ].join(" ");

const sentence = (text: string): string =>
  `${text.charAt(0).toUpperCase()}${text.slice(1)}${text.endsWith(".") ? "" : "."}`;
