/** The form of the table of an app's fields: one row a field, what is asked of it, and where its effect is shown. */

export type Json = Readonly<Record<string, unknown>>;

/** Effects that `effects.test.ts` shows with real agents and real processes. */
export const EFFECTS = [
  "a task finds in its environment what its spec says",
  "a shell line is read by a shell, arguments are not",
  "a task runs as the user it names",
  "a fixed port is the task's own",
  "a grace period is waited for, and no longer",
  "a delay grows with the failures, up to its most",
  "the youngest goes first, or the oldest",
  "a sick task is replaced when its check gives up",
  "a check passes by what its port, path or command answers",
  "an instance is ready when its check is answered in its protocol",
  "a container without an image is a process",
  "what fits nowhere waits and says why",
] as const;
export type EffectName = (typeof EFFECTS)[number];

export type Effect =
  | { readonly here: EffectName }
  /** A test of ours, or a script that one plays, and words that stand in it: a title, or a line. */
  | { readonly file: string; readonly says: string }
  /** Why nothing comes of it but what GET shows. */
  | { readonly none: string };

export type Valid = {
  readonly sent: unknown;
  /** What GET shows of the field; undefined: nothing. */
  readonly shown: unknown;
  /** Another field whose value is looked at. */
  readonly at?: string;
  /** Fields that stand beside it. */
  readonly beside?: Json;
  /** What the `Warning` header says; without it there is none. */
  readonly warns?: RegExp;
};

export type Invalid = {
  readonly sent: unknown;
  readonly says: RegExp;
  /** Paths of the problems in the document; the field's own unless others are said. */
  readonly at?: readonly string[];
  readonly beside?: Json;
};

export type Row = {
  /** The field's path in the app: `cpus`, or `healthChecks[].path`, where `[]` is the first item. */
  readonly field: string;
  /** What the field stands in: other fields of an app, among which it is set. */
  readonly within?: Json;
  /** What GET shows of an app that does not say it; undefined: nothing. */
  readonly default?: unknown;
  /** It cannot be sent to an app that is there, beside what that one has. */
  readonly isOfNewApps?: true;
  readonly valid: readonly Valid[];
  readonly invalid: readonly Invalid[];
  readonly effect: Effect;
};

type More<T> = Omit<T, "sent" | "shown" | "says">;

/** What is shown as it was sent. */
export const same = (sent: unknown, more: More<Valid> = {}): Valid => ({ sent, shown: sent, ...more });
export const shows = (sent: unknown, shown: unknown, more: More<Valid> = {}): Valid => ({ sent, shown, ...more });
/** `at`: paths, where the problem is not told at the field itself. */
export const refused = (sent: unknown, says: RegExp, ...at: string[]): Invalid => ({
  sent,
  says,
  ...(at.length === 0 ? {} : { at }),
});
export const refusedBeside = (beside: Json, sent: unknown, says: RegExp, ...at: string[]): Invalid => ({
  ...refused(sent, says, ...at),
  beside,
});

export const shown = (here: EffectName): Effect => ({ here });
export const shownIn = (file: string, says: string): Effect => ({ file, says });
export const none = (why: string): Effect => ({ none: why });

/** Refusals that many fields share. */
export const NOT_TEXT = refused(5, /expected text, got the number 5/);
export const NOT_NUMBER = refused("many", /expected a number, got the text "many"/);
export const NOT_WHOLE = refused(1.5, /expected a whole number, got the number 1.5/);
export const NEGATIVE = refused(-1, /got -1/);
export const NOT_TRUTH = refused("maybe", /expected true or false, got the text "maybe"/);
export const UNSUPPORTED = /this cluster's agents cannot .* yet: remove the field/;
export const NOT_SUPPORTED = none("refused: no agent of the cluster can obey it");

type Tokens = readonly (string | number)[];
/** `a.b[].c` as `["a", "b", 0, "c"]`. A name with a dot in it is none of ours. */
export const tokensOf = (field: string): Tokens =>
  field.split(".").flatMap((part) => (part.endsWith("[]") ? [part.slice(0, -2), 0] : [part]));

export const pathOf = (field: string): string =>
  tokensOf(field)
    .map((token) => (typeof token === "number" ? `(${token})` : `/${token}`))
    .join("");

export const valueAt = (document: unknown, field: string): unknown =>
  tokensOf(field).reduce<unknown>(
    (value, token) => (value === null || typeof value !== "object" ? undefined : (value as Json)[token]),
    document,
  );

/** `document` with a value at the field, and objects and lists on the way there. */
export const withValue = (document: Json, field: string, value: unknown): Json =>
  put(document, tokensOf(field), value) as Json;

function put(document: unknown, [token, ...rest]: Tokens, value: unknown): unknown {
  if (token === undefined) return value;
  const inner = (item: unknown) => put(item, rest, value);
  if (typeof token !== "number")
    return { ...(document as Json), [token]: inner((document as Json | undefined)?.[token]) };
  const items = [...((document as unknown[] | undefined) ?? [])];
  items[token] = inner(items[token]);
  return items;
}
