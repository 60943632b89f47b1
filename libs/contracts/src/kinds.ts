/** Which document stands under which kind of key: the first token of a key names its schema. */
import type { z } from "zod";
import { InstanceHeadSchema, LedgerDocumentSchema, OfferDocumentSchema } from "./documents/agent.ts";
import {
  AgentWordSchema,
  AppDocumentSchema,
  ClaimDocumentSchema,
  DeploymentDocumentSchema,
  OrderDocumentSchema,
  VersionDocumentSchema,
} from "./documents/app.ts";
import { GraphDocumentSchema, GroupDocumentSchema, GroupVersionDocumentSchema } from "./documents/group.ts";
import {
  AgentVerdictSchema,
  CursorSchema,
  EndedDocumentSchema,
  TermSchema,
  VerdictDocumentSchema,
} from "./documents/health.ts";
import { SubscriptionDocumentSchema } from "./documents/subscription.ts";
import {
  AttemptsDocumentSchema,
  HoldDocumentSchema,
  NeighbourDocumentSchema,
  PlacedDocumentSchema,
  RulesDocumentSchema,
  WaitingDocumentSchema,
  WantedDocumentSchema,
} from "./documents/wish.ts";

export const STATE_KINDS = {
  app: AppDocumentSchema,
  version: VersionDocumentSchema,
  path: ClaimDocumentSchema,
  port: ClaimDocumentSchema,
  group: GroupDocumentSchema,
  groupversion: GroupVersionDocumentSchema,
  graph: GraphDocumentSchema,
  attempts: AttemptsDocumentSchema,
  agent: AgentWordSchema,
  deployment: DeploymentDocumentSchema,
  order: OrderDocumentSchema,
  wanted: WantedDocumentSchema,
  placed: PlacedDocumentSchema,
  waiting: WaitingDocumentSchema,
  rules: RulesDocumentSchema,
  neighbour: NeighbourDocumentSchema,
  hold: HoldDocumentSchema,
  subscription: SubscriptionDocumentSchema,
  offer: OfferDocumentSchema,
  ledger: LedgerDocumentSchema,
  instance: InstanceHeadSchema,
  term: TermSchema,
} as const;
/** Kinds that are one key and not a family of keys. */
export const SINGLE_KINDS: ReadonlySet<string> = new Set(["graph", "attempts", "rules", "hold"]);
export type StateKind = keyof typeof STATE_KINDS;
export type StateDocument<K extends StateKind> = z.infer<(typeof STATE_KINDS)[K]>;

export const HEALTH_KINDS = {
  verdict: VerdictDocumentSchema,
  ended: EndedDocumentSchema,
  agent: AgentVerdictSchema,
  cursor: CursorSchema,
} as const;
export type HealthKind = keyof typeof HEALTH_KINDS;

/** A document as a view holds it. */
export type Entry<T> = { readonly value: T; readonly revision: number };
/** All documents of one kind, by the key's remaining tokens: `prod_web`, `7.n1.prod_web.0.12`. */
export type Documents<T> = ReadonlyMap<string, Entry<T>>;

/** What a decision may read: the state bucket as one prefix of its one order. */
export type StateView = {
  kind<K extends StateKind>(kind: K): Documents<StateDocument<K>>;
  /** The revision to expect of a key: its document's, its purge marker's, or 0. */
  revision(key: string): number;
  /** Keys of a kind, without it, that begin with this token, where the view keeps an index of them. */
  under?(kind: StateKind, first: string): ReadonlySet<string>;
};
export type HealthDocument<K extends HealthKind> = z.infer<(typeof HEALTH_KINDS)[K]>;
export type HealthView = {
  kind<K extends HealthKind>(kind: K): Documents<HealthDocument<K>>;
  revision(key: string): number;
};
