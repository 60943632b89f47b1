/** Settings of a process: flag, then environment, then file, then default; parsed with zod, printed by `--help`. */
import { readFileSync } from "node:fs";
import { parse as parseYaml } from "yaml";
import { z } from "zod";

export type Setting<T extends z.ZodType = z.ZodType> = {
  /** Parses the text of a flag or variable, or the value of a file; holds the default. */
  readonly schema: T;
  /** What it is, a phrase. */
  readonly about: string;
  /** `ms`, `URL`, `MiB`, `path` ...; empty for names and switches. */
  readonly unit: string;
  /** Another variable that is read when `MUSTER_<NAME>` is not set. */
  readonly env?: string;
};
export type Settings = Readonly<Record<string, Setting>>;
export type SettingValues<S extends Settings> = { -readonly [K in keyof S]: z.infer<S[K]["schema"]> };

export const setting = <T extends z.ZodType>(schema: T, about: string, unit = "", env?: string): Setting<T> => ({
  schema,
  about,
  unit,
  ...(env === undefined ? {} : { env }),
});

/** A number given as text or number. */
export const numberSetting = (fallback: number, { min = 0, max = Number.MAX_SAFE_INTEGER } = {}) =>
  z.coerce.number().min(min).max(max).default(fallback);
/** true/false, 1/0, yes/no; a bare flag means true. */
export const switchSetting = (fallback: boolean) => z.union([z.boolean(), z.stringbool()]).default(fallback);

export class SettingsError extends Error {
  override name = "SettingsError";
}
/** Thrown for `--help`: the text to print. */
export class HelpWanted extends Error {
  override name = "HelpWanted";
}

const dashed = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
const variable = (name: string): string => `MUSTER_${dashed(name).replaceAll("-", "_").toUpperCase()}`;

/**
 * Reads the settings of `program`.
 * @throws SettingsError with one line per thing wrong: which setting, what was expected, what stood where.
 */
export function readSettings<S extends Settings>(
  program: string,
  settings: S,
  { argv, env = process.env }: { argv: readonly string[]; env?: Readonly<Record<string, string | undefined>> },
): SettingValues<S> {
  const flags = readFlags(argv, settings);
  if (flags.has("help")) throw new HelpWanted(settingsHelp(program, settings));
  const file = readFile(flags.get("config") ?? env.MUSTER_CONFIG);
  const values: Record<string, unknown> = {};
  const wrong: string[] = [];
  for (const key of Object.keys(file))
    if (!(key in settings)) wrong.push(`the configuration file names ${key}, which is no setting of ${program}`);
  for (const [name, { schema, env: other }] of Object.entries(settings)) {
    const flag = flags.get(dashed(name));
    const fromEnv = filled(env[variable(name)]) ?? (other === undefined ? undefined : filled(env[other]));
    const given = flag ?? fromEnv ?? file[name];
    const parsed = schema.safeParse(given);
    if (parsed.success) values[name] = parsed.data;
    else {
      const source =
        flag !== undefined
          ? `--${dashed(name)}`
          : fromEnv !== undefined
            ? variable(name)
            : name in file
              ? `${name} in the configuration file`
              : `--${dashed(name)} (or ${variable(name)})`;
      wrong.push(
        `${source}: ${parsed.error.issues.map((issue) => issue.message).join("; ")}${given === undefined ? "" : `, got ${JSON.stringify(given)}`}`,
      );
    }
  }
  if (wrong.length > 0) throw new SettingsError(`${wrong.join("\n")}\nsee --help for every setting`);
  return values as SettingValues<S>;
}

const filled = (text: string | undefined): string | undefined => (text === "" ? undefined : text);

function readFlags(argv: readonly string[], settings: Settings): Map<string, string> {
  const known = new Set(["help", "config", ...Object.keys(settings).map(dashed)]);
  const flags = new Map<string, string>();
  for (let i = 0; i < argv.length; i += 1) {
    const match = /^--([a-z0-9-]+)(?:=(.*))?$/s.exec(argv[i] as string);
    const name = argv[i] === "-h" ? "help" : match?.[1];
    if (name === undefined || !known.has(name)) throw new SettingsError(`${argv[i]} is no setting: see --help`);
    if (match?.[2] !== undefined) flags.set(name, match[2]);
    else if (argv[i + 1] !== undefined && !(argv[i + 1] as string).startsWith("--")) {
      flags.set(name, argv[i + 1] as string);
      i += 1;
    } else flags.set(name, "true");
  }
  return flags;
}

function readFile(path: string | undefined): Record<string, unknown> {
  if (path === undefined) return {};
  try {
    return z.record(z.string(), z.unknown()).parse(parseYaml(readFileSync(path, "utf8")) ?? {});
  } catch (cause) {
    throw new SettingsError(`the configuration file ${path} cannot be read: ${(cause as Error).message}`, { cause });
  }
}

/** One line per setting: flag, variable, default, unit, meaning. */
export function settingsHelp(program: string, settings: Settings): string {
  const rows = Object.entries(settings).map(([name, { schema, about, unit, env }]) => {
    const fallback = schema.safeParse(undefined);
    const value = fallback.success ? fallback.data : "required";
    const shown =
      value === null || value === undefined || value === ""
        ? "none"
        : typeof value === "string"
          ? value
          : JSON.stringify(value);
    return {
      flag: `--${dashed(name)}`,
      variable: env === undefined ? variable(name) : `${variable(name)}, ${env}`,
      value: unit === "" ? shown : `${shown} (${unit})`,
      about,
    };
  });
  const width = (pick: (row: (typeof rows)[number]) => string) => Math.max(...rows.map((row) => pick(row).length));
  const [flagWidth, valueWidth] = [
    width((row) => row.flag),
    Math.min(
      36,
      width((row) => row.value),
    ),
  ];
  const lines = rows.map(
    (row) => `  ${row.flag.padEnd(flagWidth)}  ${row.value.padEnd(valueWidth)}  ${row.about} [${row.variable}]`,
  );
  return [
    `${program}: settings, each as a flag, a variable, or a key of a YAML or JSON file (--config FILE, MUSTER_CONFIG).`,
    "A flag wins over a variable, a variable over the file, the file over the default.",
    "",
    ...lines,
    "",
  ].join("\n");
}
