/** Where to look, once everything runs. */
import type { Screen } from "@muster/terminal";
import type { Shown } from "./present.ts";

export type Welcome = {
  readonly http: string;
  readonly nats: string;
  readonly isDefaultNats: boolean;
  readonly agents: readonly string[];
  readonly shown: readonly Shown[];
  readonly ports: readonly number[];
  readonly logFile: string;
  readonly startedInMs: number;
  readonly keepTasks: boolean;
};

export function welcome(screen: Screen, about: Welcome): string[] {
  const { paint } = screen;
  const row = (name: string, value: string) => `  ${paint("quiet", name.padEnd(10))} ${value}`;
  const app = about.shown[0];
  const trace = about.shown.find((shown) => shown.traceId !== null)?.traceId;
  return [
    "",
    `Muster runs (${(about.startedInMs / 1_000).toFixed(1)} s).`,
    row("HTTP API", `${about.http}/v2/apps`),
    row("NATS", about.nats),
    row("agents", about.agents.join(", ") || "none"),
    ...(app === undefined
      ? []
      : [
          row(
            "app",
            `${app.app}${about.ports.length > 0 ? ` at ${about.ports.map((port) => `http://127.0.0.1:${port}`).join(" and ")}` : ""}`,
          ),
        ]),
    ...(trace ? [row("trace", trace)] : []),
    row("log", about.logFile),
    "",
    "  npx muster ps              what runs where",
    `  npx muster logs -f ${(app?.app ?? "/hello").slice(1).padEnd(8)} its output`,
    `  npx muster scale ${`${(app?.app ?? "/hello").slice(1)} 3`.padEnd(10)} more of it`,
    "  npx muster --help          everything else",
    "",
    paint(
      "quiet",
      about.keepTasks ? "Ctrl-C stops the cluster; its tasks run on." : "Ctrl-C stops the cluster and its tasks.",
    ),
  ];
}
