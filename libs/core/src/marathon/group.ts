/** Apps in the tree that their ids make. */
import type { MarathonJson } from "../reports/tasks.ts";

type Group = {
  readonly id: string;
  readonly apps: MarathonJson[];
  readonly groups: Group[];
  readonly pods: never[];
  readonly dependencies: never[];
  readonly version: string;
};

/** The root group with these apps, and the groups on the way to them. */
export function groupOf(apps: readonly MarathonJson[], version: string): MarathonJson {
  const make = (id: string): Group => ({ id, apps: [], groups: [], pods: [], dependencies: [], version });
  const root = make("/");
  for (const app of apps) {
    const segments = String(app.id).split("/").slice(1, -1);
    let group = root;
    for (const segment of segments) {
      const id = group.id === "/" ? `/${segment}` : `${group.id}/${segment}`;
      let below = group.groups.find((each) => each.id === id);
      if (below === undefined) {
        below = make(id);
        group.groups.push(below);
      }
      group = below;
    }
    group.apps.push(app);
  }
  return root;
}

/** The deepest group that holds all these apps: `/prod` of `/prod/web` and `/prod/db/main`. */
export function parentOf(apps: readonly string[]): string {
  const [first = [], ...others] = apps.map((app) => app.split("/").slice(1, -1));
  const shared = first.filter((_, i) =>
    others.every((path) => path.slice(0, i + 1).join("/") === first.slice(0, i + 1).join("/")),
  );
  return `/${shared.join("/")}`;
}
