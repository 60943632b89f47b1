/** A deployment on its way, as lines: what is asked, one line per instance, what stands in its way, how far it is. */
import type { DeploymentDocument, DeploymentProgress, InstanceView, Why } from "@muster/contracts";
import { affectedApps, isOfVersion } from "@muster/contracts/course";
import { courseLine } from "./course.ts";
import { addressOf, endedUnasked, hasEnded, isReady, type Look, lookOf, whyNot } from "./instances.ts";
import { mostUrgent } from "./live.ts";
import type { Screen } from "./screen.ts";
import { type Column, tableLines } from "./table.ts";
import { age, duration, plural } from "./units.ts";

/** One line of the picture: a slot's newest instance, and how earlier attempts of its version ended. */
export type SlotLine = {
  readonly instance: InstanceView;
  readonly failures: number;
  readonly lastFailure: InstanceView | null;
  readonly isOld: boolean;
  readonly isReady: boolean;
  readonly look: Look;
};

/** Slots in order; the old version's instances stand beside the new ones while both live. */
export function slotLines({ deployment, targets, instances }: DeploymentProgress): SlotLine[] {
  const begunAtMs = deployment?.startedAtMs ?? 0;
  const byApp = new Map(targets.map((target) => [target.app, target]));
  const bySlot = new Map<string, InstanceView[]>();
  for (const instance of instances) {
    const slot = `${instance.app} ${instance.slot}`;
    bySlot.set(slot, [...(bySlot.get(slot) ?? []), instance]);
  }
  const lines: SlotLine[] = [];
  for (const attempts of [...bySlot.values()].sort(([a], [b]) => bySlotOrder(a, b))) {
    attempts.sort((a, b) => a.attempt - b.attempt);
    const target = byApp.get(attempts[0]?.app ?? "");
    const hasChecks = target?.hasChecks ?? false;
    const failed = attempts.filter((one) => endedUnasked(one) && (one.sinceMs ?? 0) >= begunAtMs);
    const living = attempts.filter((one) => !hasEnded(one));
    const shown = living.length > 0 ? living : failed.slice(-1);
    for (const instance of shown) {
      const isOld = target !== undefined && !isOfVersion(instance, target.version);
      const version = target === undefined || isOld ? instance.version : target.version;
      const alike = failed.filter((one) => isOfVersion(one, version));
      lines.push({
        instance,
        failures: alike.length,
        lastFailure: alike.at(-1) ?? null,
        isOld,
        // The checks are the new version's: what is known of an old one is only that it runs.
        isReady: isReady(instance, hasChecks && !isOld),
        look: lookOf(instance, hasChecks && !isOld),
      });
    }
  }
  return lines;
}

function bySlotOrder(a: InstanceView | undefined, b: InstanceView | undefined): number {
  if (a === undefined || b === undefined) return 0;
  return a.app < b.app ? -1 : a.app > b.app ? 1 : a.slot - b.slot;
}

const urgencyOf = ({ look, failures }: SlotLine): number => (look.urgency === 1 && failures > 0 ? 0 : look.urgency);

function detailOf({ instance, failures, lastFailure, isOld, isReady }: SlotLine): string {
  const own = whyNot(instance);
  if (lastFailure === null || isReady || lastFailure.id === instance.id)
    return failures > 1 && !isReady ? `${own} (${failures} times)` : own || (isOld ? "old version" : "");
  const times = failures > 1 ? ` (${failures} times)` : "";
  return `before: ${whyNot(lastFailure)}${times}`;
}

export const DOING = {
  start: "starting",
  scale: "scaling",
  update: "updating",
  upgrade: "upgrading",
  restart: "restarting",
  delete: "removing",
  group: "changing",
  rollback: "going back",
} as const satisfies Record<DeploymentDocument["action"], string>;

export type Counts = { wanted: number; ready: number; moving: number; waiting: number; failed: number; old: number };

/** Instances that are to stand in the end, of all its apps. */
export const wantedOf = ({ targets }: Pick<DeploymentProgress, "targets">): number =>
  targets.reduce((sum, { instances }) => sum + instances, 0);

export function countsOf(progress: DeploymentProgress): Counts {
  const counts: Counts = {
    wanted: wantedOf(progress),
    ready: 0,
    moving: 0,
    waiting: 0,
    failed: 0,
    old: 0,
  };
  for (const line of slotLines(progress)) {
    if (line.isOld) counts.old += 1;
    else if (line.isReady) counts.ready += 1;
    else if (urgencyOf(line) === 0) counts.failed += 1;
    else if (line.instance.state === "waiting") counts.waiting += 1;
    else counts.moving += 1;
  }
  return counts;
}

/** `2/3 ready · 1 waiting · 2 old`. */
export function countsLine(progress: DeploymentProgress, screen: Pick<Screen, "paint" | "glyphs">): string {
  const { wanted, ready, moving, waiting, failed, old } = countsOf(progress);
  const isLeaving = wanted === 0;
  const parts = [
    isLeaving
      ? `${plural(ready + moving + waiting + failed + old, "instance")} left`
      : screen.paint(ready >= wanted ? "good" : "plain", `${ready}/${wanted} ready`),
    failed > 0 && !isLeaving ? screen.paint("bad", `${failed} failing`) : "",
    waiting > 0 && !isLeaving ? screen.paint("warn", `${waiting} waiting`) : "",
    moving > 0 && !isLeaving ? screen.paint("moving", `${moving} on the way`) : "",
    old > 0 && !isLeaving ? screen.paint("quiet", `${old} old`) : "",
  ];
  return parts.filter((part) => part !== "").join(screen.paint("quiet", ` ${screen.glyphs.dot} `));
}

export type Moment = {
  readonly nowMs: number;
  /** Frame of the spinner; null draws none. */
  readonly tick: number | null;
  /** Lines under the instances: output of one that fails. */
  readonly notes?: readonly string[];
};

/** The app that is changed, or the group of them. */
export function subjectOf({ app, deployment }: DeploymentProgress): string {
  const group = deployment?.group ?? null;
  return deployment === null || group === null ? app : `${group} (${plural(affectedApps(deployment).length, "app")})`;
}

/** The whole picture, never taller than the screen: failures first, then what moves, then what is done, then "+n more". */
export function deploymentLines(progress: DeploymentProgress, screen: Screen, moment: Moment): string[] {
  const { paint, glyphs } = screen;
  const { deployment, why } = progress;
  const frame = moment.tick === null ? "" : `${glyphs.spinner[moment.tick % glyphs.spinner.length]} `;
  const doing = deployment === null ? "waiting for news" : DOING[deployment.action];
  const target = deployment === null || deployment.action === "delete" ? "" : ` ${glyphs.arrow} ${wantedOf(progress)}`;
  const elapsed =
    deployment === null
      ? ""
      : duration(((moment.tick === null && deployment.endedAtMs) || moment.nowMs) - deployment.startedAtMs);
  const head = `${paint("moving", frame)}${paint("strong", subjectOf(progress))}  ${doing}${target}  ${paint("quiet", elapsed)}`;
  const notes = [...(moment.notes ?? [])];
  const course = courseLine(progress, screen, moment.nowMs);
  const foot = [
    ...obstacleLines(why, screen, moment.nowMs),
    ...(course === null ? [] : [`  ${course}`]),
    `  ${countsLine(progress, screen)}`,
  ];
  const rowsMax = screen.rows() - 2 - foot.length;
  const notesShown = notes.slice(0, Math.max(0, Math.min(notes.length, Math.floor(rowsMax / 2))));
  const lines = slotLines(progress);
  const { shown, hidden } = mostUrgent(lines, Math.max(1, rowsMax - notesShown.length), urgencyOf);
  const more = hidden.length === 0 ? [] : [`  ${paint("quiet", `+${hidden.length} more`)}`];
  return [head, ...instanceLines(shown, screen, moment.nowMs), ...more, ...notesShown, ...foot];
}

function obstacleLines(why: Why | null, { paint, glyphs }: Screen, nowMs: number): string[] {
  const mark = paint("warn", glyphs.warn);
  if (why?.waiting) return [`  ${mark} ${why.summary}`];
  if (!why?.delay) return [];
  const restMs = why.delay.untilMs - nowMs;
  return restMs <= 0
    ? []
    : [`  ${mark} next attempt in ${duration(restMs)}, after ${plural(why.delay.failures, "failure")}`];
}

function instanceLines(lines: readonly SlotLine[], screen: Screen, nowMs: number): string[] {
  const columns: readonly Column<SlotLine>[] = [
    { title: "", cell: ({ look }) => ({ text: screen.glyphs[look.glyph], tone: look.tone }) },
    { title: "", cell: ({ instance }) => instance.id, shrinksTo: 12 },
    {
      title: "",
      cell: ({ instance }) => ({ text: instance.agent ?? "", tone: "quiet" }),
      shrinksTo: 6,
      optional: true,
    },
    { title: "", cell: ({ look }) => ({ text: look.word, tone: look.tone }) },
    { title: "", cell: ({ instance }) => ({ text: age(instance.sinceMs, nowMs), tone: "quiet" }), align: "right" },
    {
      title: "",
      cell: (line) => {
        const detail = detailOf(line);
        if (detail !== "") return { text: detail, tone: urgencyOf(line) === 0 ? "bad" : "quiet" };
        return { text: addressOf(line.instance), tone: "quiet" };
      },
      shrinksTo: 10,
      optional: true,
    },
  ];
  return tableLines(columns, lines, screen, { indent: "  ", titles: false });
}
