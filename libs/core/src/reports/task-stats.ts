/** Counts and ages of an app's tasks, of all of them and of those that are new or old: Marathon's `taskStats`. */
import type { MarathonJson, Task } from "./tasks.ts";

export type TaskCounts = {
  readonly staged: number;
  readonly running: number;
  readonly healthy: number;
  readonly unhealthy: number;
};

/** What waits for a place is staged too; what is being killed counts nowhere. */
export function countTasks(tasks: readonly Task[]): TaskCounts {
  let [staged, running, healthy, unhealthy] = [0, 0, 0, 0];
  for (const { state, instance } of tasks) {
    if (state === "TASK_STAGING" || state === "TASK_STARTING") staged += 1;
    if (state !== "TASK_RUNNING") continue;
    running += 1;
    if (instance.healthy === true) healthy += 1;
    if (instance.healthy === false) unhealthy += 1;
  }
  return { staged, running, healthy, unhealthy };
}

export type StatsAbout = { readonly configVersion: number; readonly scaledAtMs: number; readonly now: number };

/** Groups without tasks are left out. */
export function taskStats(tasks: readonly Task[], { configVersion, scaledAtMs, now }: StatsAbout): MarathonJson {
  const groups = {
    startedAfterLastScaling: tasks.filter(({ instance }) => (instance.startedAtMs ?? -1) > scaledAtMs),
    withLatestConfig: tasks.filter(({ instance }) => instance.version >= configVersion),
    withOutdatedConfig: tasks.filter(({ instance }) => instance.version < configVersion),
    totalSummary: tasks,
  };
  return Object.fromEntries(
    Object.entries(groups)
      .filter(([, members]) => members.length > 0)
      .map(([name, members]) => [name, { stats: statsOf(members, now) }]),
  );
}

function statsOf(tasks: readonly Task[], now: number): MarathonJson {
  const ages = tasks
    .flatMap(({ instance }) => (instance.startedAtMs === null ? [] : [Math.max(0, now - instance.startedAtMs) / 1_000]))
    .sort((a, b) => a - b);
  const middle = Math.floor(ages.length / 2);
  const median = ages.length % 2 === 1 ? ages[middle] : ((ages[middle - 1] ?? 0) + (ages[middle] ?? 0)) / 2;
  return {
    counts: countTasks(tasks),
    ...(ages.length === 0
      ? {}
      : { lifeTime: { averageSeconds: ages.reduce((sum, age) => sum + age, 0) / ages.length, medianSeconds: median } }),
  };
}
