/** Each wanted row with what is known of it: where it stands between wished and gone. */
import {
  type AppSpec,
  appToken,
  type EndedRow,
  type HealthView,
  type PlacedDocument,
  type VerdictDocument,
  type WantedDocument,
  type WantedRow,
} from "@muster/contracts";

/**
 * `unplaced` -> `starting` -> `up` <-> `down` -> `ended`; a row with goal stop is `stopping` until it is released or was never placed.
 * `overdue`: did not come to run in time. `up`: running, healthy where its version has health checks, and ready where it has a readiness check. `lost`: its agent is unreachable.
 */
export type RowState = "unplaced" | "starting" | "overdue" | "up" | "down" | "lost" | "stopping" | "ended";

export type Row = {
  readonly wish: WantedRow;
  readonly state: RowState;
  readonly ended: EndedRow | null;
  readonly verdict: VerdictDocument | null;
  /** True where an agent holds a share for it. */
  readonly isPlaced: boolean;
  /** Where it stands or may stand; null: anywhere. */
  readonly agent: string | null;
};

/** What an instance of a version must show besides running. */
export type Checked = { readonly health: boolean; readonly readiness: boolean };

export const checkedOf = (spec: AppSpec | null): Checked => ({
  health: (spec?.healthChecks.length ?? 0) > 0,
  readiness: (spec?.readinessChecks.length ?? 0) > 0,
});

/** True for a running instance that has passed whatever its version is checked for. */
export const isServing = ({ healthy, ready }: VerdictDocument, checked: Checked): boolean =>
  (!checked.health || healthy === true) && (!checked.readiness || ready === true);

export type RowSources = {
  readonly wanted: WantedDocument;
  readonly placed: PlacedDocument | null;
  readonly health: HealthView;
  /** Where the row's version has checks, running is not enough. */
  readonly checkedOf: (version: number) => Checked;
};

export function readRows({ wanted, placed, health, checkedOf }: RowSources): Row[] {
  const id = (row: { slot: number; attempt: number }) => `${row.slot}.${row.attempt}`;
  const agents = new Map((placed?.rows ?? []).map((row) => [id(row), row.agent]));
  const endings = new Map((placed?.ended ?? []).map((row) => [id(row), row]));
  const token = appToken(wanted.app);
  return wanted.rows.map((wish) => {
    const ended = endings.get(id(wish)) ?? null;
    const isPlaced = agents.has(id(wish));
    const verdict = isPlaced ? (health.kind("verdict").get(`${token}.${id(wish)}`)?.value ?? null) : null;
    const state = stateOf(wish, ended, isPlaced, verdict, checkedOf(wish.version));
    return { wish, ended, isPlaced, agent: agents.get(id(wish)) ?? wish.agent, verdict, state };
  });
}

function stateOf(
  wish: WantedRow,
  ended: EndedRow | null,
  isPlaced: boolean,
  verdict: VerdictDocument | null,
  checked: Checked,
): RowState {
  if (ended !== null) return "ended";
  if (wish.goal === "stop") return "stopping";
  if (!isPlaced) return "unplaced";
  switch (verdict?.level) {
    case "unreachable":
      return "lost";
    case "running":
      if (isServing(verdict, checked)) return "up";
      return checked.health && verdict.healthy === false ? "down" : "starting";
    case "killing":
      return "down";
    case "overdue":
      return verdict.givenUp === null ? "starting" : "overdue";
    default:
      return "starting";
  }
}

export const isUp = ({ state }: Row): boolean => state === "up";
