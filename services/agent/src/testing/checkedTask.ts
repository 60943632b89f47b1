/** A task as its checks see it, which says nothing and runs for ever. */
import type { Running } from "../host/runtime.ts";
import type { CheckedTask } from "../tasks/task.ts";

export const fakeRunning = (more: Partial<Running> = {}): Running => ({
  handle: { type: "docker", container: "c", pid: null },
  ended: new Promise(() => {}),
  kill: () => {},
  exec: async () => 0,
  addressOf: () => "127.0.0.1",
  output: null,
  ...more,
});

export const checkedTask = (task: Pick<CheckedTask, "record"> & Partial<CheckedTask>): CheckedTask => ({
  running: fakeRunning(),
  runningAtMs: Date.now(),
  healthy: null,
  health: null,
  changed: () => {},
  giveUp: () => {},
  ready: false,
  answered: () => {},
  checkResult: null,
  found: () => {},
  ...task,
});
