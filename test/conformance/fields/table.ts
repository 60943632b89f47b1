/** Every field of an app, by theme. */
import { check } from "./check.ts";
import { checks } from "./checks.ts";
import { container } from "./container.ts";
import { identity } from "./identity.ts";
import { networking } from "./networking.ts";
import { placement } from "./placement.ts";
import { refusals } from "./refused.ts";
import { replyOnly } from "./reply-only.ts";
import { resources } from "./resources.ts";
import { rollout } from "./rollout.ts";
import type { Row } from "./row.ts";

export const TABLE: Readonly<Record<string, readonly Row[]>> = {
  "identity, command and environment": identity,
  "instances and resources": resources,
  "constraints and placement": placement,
  "networks and ports": networking,
  container,
  checks: [...checks, ...check],
  "rollout, retries and endings": rollout,
  "what no agent can obey": refusals,
  "what only replies carry": replyOnly,
};

export const ROWS: readonly Row[] = Object.values(TABLE).flat();
