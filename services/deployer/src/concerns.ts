/** Whose business a change is besides the app's that it is about: apps on every agent, and apps that follow another one. */
import { appIdOf, appToken, type StateKind, type StateView } from "@muster/contracts";

/** Agents change in crowds: all that changes within this time is one look. */
const GATHER_MS = 50;

/** What tells where an app stands, and whether it has arrived there. */
const WHEREABOUTS: ReadonlySet<string> = new Set<StateKind>(["app", "wanted", "placed", "waiting"]);

type Concern = { readonly isGlobal: boolean; readonly follows: string | null };

export class Concerns {
  readonly #state: StateView;
  readonly #mark: (app: string) => void;
  /** Only apps that are concerned by others' changes, by token. */
  readonly #concerns = new Map<string, Concern>();
  /** Tokens of apps on every agent. */
  readonly #globals = new Set<string>();
  /** Tokens of followers, by the token of whom they follow. */
  readonly #followers = new Map<string, Set<string>>();
  #gathering: NodeJS.Timeout | null = null;

  constructor(state: StateView, mark: (app: string) => void) {
    this.#state = state;
    this.#mark = mark;
    for (const token of state.kind("app").keys()) this.#learn(token);
  }

  note({ kind, rest }: { readonly kind: string; readonly rest: string }): void {
    const [token = ""] = rest.split(".");
    if (kind === "app" || kind === "version") this.#learn(token);
    if (kind === "offer" || kind === "agent") this.#gather();
    if (!WHEREABOUTS.has(kind)) return;
    for (const follower of this.#followers.get(token) ?? []) this.#mark(appIdOf(follower));
    // What finds no place beside an older instance has that one make way.
    if (kind === "waiting" && this.#globals.has(token)) this.#mark(appIdOf(token));
  }

  stop(): void {
    if (this.#gathering !== null) clearTimeout(this.#gathering);
  }

  /** What the app's present version says; the app's document comes before its version's. */
  #learn(token: string): void {
    const version = this.#state.kind("app").get(token)?.value.version;
    const placement = this.#state.kind("version").get(`${token}.${version}`)?.value.spec.placement;
    const follows = placement?.machineOf == null ? null : appToken(placement.machineOf);
    const isGlobal = placement?.isGlobal === true;
    const before = this.#concerns.get(token) ?? { isGlobal: false, follows: null };
    if (before.isGlobal === isGlobal && before.follows === follows) return;
    if (before.follows !== null) this.#followers.get(before.follows)?.delete(token);
    if (follows !== null) this.#followers.set(follows, (this.#followers.get(follows) ?? new Set<string>()).add(token));
    if (isGlobal) this.#globals.add(token);
    else this.#globals.delete(token);
    if (isGlobal || follows !== null) this.#concerns.set(token, { isGlobal, follows });
    else this.#concerns.delete(token);
  }

  #gather(): void {
    if (this.#globals.size === 0 || this.#gathering !== null) return;
    this.#gathering = setTimeout(() => {
      this.#gathering = null;
      for (const token of this.#globals) this.#mark(appIdOf(token));
    }, GATHER_MS);
  }
}
