// The deployer's two machines as a stage: apps are asked for, and what becomes of them is told turn by turn.

import { appToken } from "@muster/contracts";
import { Deploying, type Fate } from "@muster/core/deployment/testing/deploying";
import { fieldsOf, wordsOf } from "../script.ts";

const STEERINGS = ["pause", "resume", "promote", "abort", "rollback"] as const;

export class DeploymentWorld {
  readonly #cluster = new Deploying();
  /** Versions of an app by the order in which they were stored: v1, v2. */
  readonly #versions = new Map<string, number[]>();
  #last = "";

  play(command: string): string[] {
    const [verb = "", name = "", ...words] = wordsOf(command);
    this.#cluster.now += 1;
    const steering = STEERINGS.find((each) => each === verb);
    if (steering !== undefined) return this.#steer(name, steering);
    switch (verb) {
      case "agent":
        this.#cluster.agent(name, 100, words.map((word) => word.replace("=", ":")).join(";"));
        return [];
      case "put":
        return this.#asked(() =>
          this.#cluster.put(name, fieldsOf(words.filter((word) => word !== "force")), words.includes("force")),
        );
      case "group":
        return this.#asked(() => this.#cluster.group(JSON.parse(name), { force: words.includes("force") }));
      case "new-group":
        return this.#asked(() => this.#cluster.group(JSON.parse(name), { isNew: true }));
      case "delete-group":
        return this.#asked(() => this.#cluster.removeGroup(name, words.includes("force")));
      case "steps":
        return this.#steps(name);
      case "scale":
        return this.#asked(() => this.#cluster.scale(name, Number(words[0])));
      case "restart":
        return this.#asked(() => this.#cluster.restart(name));
      case "delete":
        return this.#asked(() => this.#cluster.remove(name));
      case "kill":
        return this.#asked(() =>
          this.#cluster.kill(name, this.#version(name, words[0] ?? ""), Number(words[1]), {
            scale: words.includes("scale"),
            force: words.includes("force"),
          }),
        );
      case "undelay":
        this.#cluster.resetDelay(name);
        return [];
      case "fate":
        this.#fate(name, words[0] ?? "", words[1] as Fate);
        return [];
      case "fail":
        return this.#fail(name, words[0] ?? "");
      case "wait":
        this.#cluster.now += Number(name.replace(/s$/, "")) * 1_000;
        return [];
      case "go":
        return this.#go(name === "" ? 2_000 : Number(name));
      case "look":
        return this.#stand();
      case "where":
        return [this.#places(name)];
      default:
        throw new Error(`there is no command ${verb}`);
    }
  }

  #asked(ask: () => string | null): string[] {
    const isKnown = new Set(this.#cluster.state.snapshot().kind("deployment").keys());
    try {
      const id = ask();
      this.#learn();
      if (id === null) return ["no deployment begins"];
      return [`${id} ${isKnown.has(id) ? "goes on" : "begins"}: ${this.#cluster.deployment(id).action}`];
    } catch (cause) {
      return [`refused: ${(cause as Error).message}`];
    }
  }

  /** `1: start /db 2: start /web` */
  #steps(id: string): string[] {
    const steps = this.#cluster.deployment(id).steps.map(({ actions }, i) => {
      const told = actions.map(({ action, app }) => `${action} ${app}`).sort();
      return `${i + 1}: ${told.join(", ")}`;
    });
    return steps.length === 0 ? ["no steps"] : steps;
  }

  #steer(id: string, steering: (typeof STEERINGS)[number]): string[] {
    try {
      const next = this.#cluster.steer(id, steering);
      this.#learn();
      return [
        ...this.#stand(),
        next === null || next === id ? `${steering} ${id}` : `${next} begins: ${steering} of ${id}`,
      ];
    } catch (cause) {
      return [`refused: ${(cause as Error).message}`];
    }
  }

  /** `/web: n1 2, n2 1`, in the order of the agents' names. */
  #places(app: string): string {
    const counts = new Map<string, number>();
    for (const { agent } of this.#cluster.placed(app)) counts.set(agent, (counts.get(agent) ?? 0) + 1);
    const places = [...counts].map(([agent, count]) => `${agent} ${count}`).sort();
    return `${app}: ${places.join(", ") || "nowhere"}`;
  }

  /** The fate of a version that is stored or comes next. */
  #fate(app: string, version: string, fate: Fate): void {
    this.#cluster.fates.set(`${app} ${this.#version(app, version)}`, fate);
  }

  #version(app: string, name: string): number {
    const stored = (this.#versions.get(app) ?? [])[Number(name.slice(1)) - 1];
    if (stored === undefined) throw new Error(`${app} has no ${name} yet`);
    return stored;
  }

  #fail(app: string, version: string): string[] {
    const stored = this.#version(app, version);
    const row = this.#cluster.placed(app).find((each) => each.version === stored && this.#cluster.isUp(app, each));
    if (row === undefined) throw new Error(`no instance of ${version} of ${app} is up`);
    this.#cluster.end(app, row, "failed", "exited");
    return [];
  }

  #go(turns: number): string[] {
    const lines: string[] = [];
    this.#cluster.settle(() => lines.push(...this.#changed()), turns);
    return lines;
  }

  #changed(): string[] {
    const now = this.#stand().join("\n");
    if (now === this.#last) return [];
    this.#last = now;
    return [now.replaceAll("\n", " | ")];
  }

  /** `/web v1 2, v2 1 of 3; d2 stage 1` */
  #stand(): string[] {
    this.#learn();
    const apps = this.#cluster.apps.map(({ id, deployment, version, mix }) => {
      const counts = (this.#versions.get(id) ?? []).flatMap((stored, i) => {
        const rows = this.#cluster.placed(id).filter((row) => row.version === stored);
        const up = rows.filter((row) => this.#cluster.isUp(id, row)).length;
        return rows.length === 0 ? [] : [up === rows.length ? `v${i + 1} ${up}` : `v${i + 1} ${up} of ${rows.length}`];
      });
      const goal =
        mix === null
          ? this.#nameOf(id, version)
          : `${this.#nameOf(id, version)} ${mix.fresh} beside ${this.#nameOf(id, mix.version)} ${mix.kept}`;
      return `${id} to ${goal}: ${counts.join(", ") || "none"}${deployment === null ? "" : ` (${this.#told(deployment)})`}`;
    });
    const ended = [...this.#cluster.state.snapshot().kind("deployment").values()]
      .filter(({ value }) => value.state !== "running")
      .map(({ value: { id, state, message, rolledBackBy } }) => {
        const back = rolledBackBy === null || state === "aborted" ? "" : `; rolled back by ${rolledBackBy}`;
        return `${id} ${state}${message === null ? "" : `: ${message}`}${back}`;
      });
    return [...apps, ...ended.slice(-1)];
  }

  #told(id: string): string {
    const { state, step, stage, isPaused, isPromoted, reachedAtMs } = this.#cluster.deployment(id);
    const more = [
      ...(state === "running" ? [] : [state]),
      ...(isPaused ? ["paused"] : []),
      ...(reachedAtMs === null ? [] : ["stands"]),
      ...(isPromoted ? ["promoted"] : []),
    ];
    return [`${id} step ${step + 1} stage ${stage + 1}`, ...more].join(" ");
  }

  #nameOf(app: string, version: number): string {
    return `v${(this.#versions.get(app) ?? []).indexOf(version) + 1}`;
  }

  #learn(): void {
    for (const [key, { value }] of this.#cluster.state.snapshot().kind("version")) {
      const known = this.#versions.get(value.app) ?? [];
      if (!key.startsWith(`${appToken(value.app)}.`) || known.includes(value.version)) continue;
      this.#versions.set(
        value.app,
        [...known, value.version].sort((a, b) => a - b),
      );
    }
  }
}
