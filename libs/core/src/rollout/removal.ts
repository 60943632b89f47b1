/** The last removal of an app: its last instance is released. */
import {
  type AppDocument,
  appToken,
  type Circumstances,
  type Decision,
  type DeploymentDocument,
  type Entry,
  keys,
  NO_DECISION,
  type PlacedDocument,
  type RulesDocument,
  type StateView,
  type WantedDocument,
  type Write,
} from "@muster/contracts";
import { versionKeys } from "../apps/current.ts";
import { endDeployment } from "../deployment/end.ts";
import { affectedApps } from "../deployment/steps.ts";
import { drawEventId } from "../draw.ts";
import { isKeptByGroups } from "../groups/versions.ts";

/** An app as the deployer looks at it. */
export type Looked = {
  readonly state: StateView;
  readonly app: string;
  readonly entry: Entry<AppDocument>;
  readonly placed: Entry<PlacedDocument> | undefined;
  readonly document: WantedDocument;
  readonly trace: string | null;
  readonly circumstances: Circumstances;
};

/** What an app has gathered and nobody asks for any more, purged in one batch. The rest of it goes with the app itself. */
const LEFTOVERS_MAX = 300;

/**
 * Everything of the app goes in one batch, its claims and what is written about its rules included. Of one that has more ports and
 * versions than such a batch should carry some go first, and it is looked at again.
 */
export function removal(looked: Looked): { readonly decision: Decision; readonly isLast: boolean } {
  const { app, entry, trace } = looked;
  const leftovers = leftoversOf(looked);
  if (leftovers.length <= LEFTOVERS_MAX) return { decision: last(looked, leftovers), isLast: true };
  const decision = {
    ...NO_DECISION,
    writes: leftovers.slice(0, LEFTOVERS_MAX),
    asserts: [{ key: keys.app(app), revision: entry.revision }],
    trace,
  };
  return { decision, isLast: false };
}

/** Ports, then versions, the newest last: what is asked for the longest is the version that it stood at. */
function leftoversOf({ state, app, entry }: Looked): Write[] {
  const token = appToken(app);
  const versions = versionKeys(state, app)
    .filter((key) => key !== `${token}.${keptVersion(state, entry)}`)
    .filter((key) => !isKeptByGroups(state, app, Number(key.slice(token.length + 1))))
    .map((key) => `version.${key}`);
  const ports = [...state.kind("port")].filter(([, { value }]) => value.owner === app).map(([key]) => `port.${key}`);
  return [...ports, ...versions].map((key) => ({ key, value: null, expect: null }));
}

const runningDeployment = (state: StateView, { value }: Entry<AppDocument>): DeploymentDocument | null => {
  const deployment = value.deployment === null ? undefined : state.kind("deployment").get(value.deployment)?.value;
  return deployment?.state === "running" ? deployment : null;
};
const isAlone = (deployment: DeploymentDocument): boolean => affectedApps(deployment).length <= 1;

/** A deployment of several apps may still be rolled back, and then the app comes again as it was. */
function keptVersion(state: StateView, entry: Entry<AppDocument>): number | null {
  const deployment = runningDeployment(state, entry);
  return deployment !== null && !isAlone(deployment) ? entry.value.version : null;
}

function last(
  { state, app, entry, document, placed, trace, circumstances }: Looked,
  leftovers: readonly Write[],
): Decision {
  const purge = (key: string): Write[] =>
    state.revision(key) === 0 ? [] : [{ key, value: null, expect: state.revision(key) }];
  const deployment = runningDeployment(state, entry);
  const ending =
    deployment !== null && isAlone(deployment)
      ? endDeployment(state, deployment, { state: "succeeded", message: null, now: circumstances.now }, new Set([app]))
      : { writes: [], events: [] };
  const attempts = highestAttempt(state, entry, document);
  return {
    writes: [
      { key: keys.app(app), value: null, expect: entry.revision },
      ...purge(keys.wanted(app)),
      ...(placed === undefined ? [] : purge(keys.placed(app))),
      ...purge(keys.waiting(app)),
      ...purge(keys.order(app)),
      ...purge(keys.path(app)),
      ...leftovers,
      ...attempts,
      ...rulesEnd(state, app),
      ...ending.writes,
    ],
    asserts: placed === undefined ? [{ key: keys.placed(app), revision: state.revision(keys.placed(app)) }] : [],
    events: [
      { type: "muster.app.deleted", subject: app, id: drawEventId(circumstances), data: { app }, trace },
      ...ending.events,
    ],
    wakes: [],
    trace,
  };
}

/**
 * Takes the app off the list of those with rules about others. Whoever writes to `neighbour` asserts the list, so nothing is
 * written there any more. What a gang held is free.
 */
function rulesEnd(state: StateView, app: string): Write[] {
  const token = appToken(app);
  const writes: Write[] = [];
  const apps = state.kind("rules").get("")?.value.apps ?? [];
  if (apps.includes(token)) {
    const value: RulesDocument = { apps: apps.filter((each) => each !== token) };
    writes.push({ key: keys.rules, value, expect: state.revision(keys.rules) });
    writes.push({ key: keys.neighbour(app), value: null, expect: null });
  }
  if (state.kind("hold").get("")?.value.app === app)
    writes.push({ key: keys.hold, value: null, expect: state.revision(keys.hold) });
  return writes;
}

/** Where attempts ran ahead of the stream, the highest is kept, so that a new app of this path starts above it. */
function highestAttempt(state: StateView, entry: Entry<AppDocument>, document: WantedDocument): Write[] {
  const floor = state.kind("attempts").get("")?.value.highest ?? 0;
  const highest = document.nextAttempt - 1;
  if (highest <= entry.revision || highest <= floor) return [];
  return [{ key: keys.attempts, value: { highest }, expect: state.revision(keys.attempts) }];
}
