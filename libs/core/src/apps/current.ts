/** An app as it stands: its document, and its spec with the instances that are asked for now. */
import {
  type AppDocument,
  type AppId,
  type AppSpec,
  appToken,
  MusterError,
  type StateView,
  type Version,
} from "@muster/contracts";

export type CurrentApp = {
  readonly document: AppDocument;
  /** null only where the version's document cannot be read: the app can still be changed as a whole or deleted. */
  readonly spec: AppSpec | null;
};

/** null: there is no such app. */
export function currentApp(view: StateView, app: AppId): CurrentApp | null {
  const document = view.kind("app").get(appToken(app))?.value;
  // A text that is no app id can have the token of another app: `/a_b` is not `/a/b`.
  return document === undefined || document.id !== app ? null : { document, spec: specOf(view, document) };
}

/** Scaling makes no version, so the count stands in the app's document; a deleted app keeps the one it had. */
export function specOf(view: StateView, document: AppDocument): AppSpec | null {
  const spec = specAt(view, document.id, document.version);
  return spec === null || document.goal === "deleted" ? spec : { ...spec, instances: document.instances };
}

/** As it was sent; null where it is not kept any more. */
export const specAt = (view: StateView, app: AppId, version: Version): AppSpec | null =>
  view.kind("version").get(`${appToken(app)}.${version}`)?.value.spec ?? null;

/** Throws `app.unknown`, in the words Marathon's clients know. */
export function knownApp(view: StateView, app: AppId): CurrentApp {
  const current = currentApp(view, app);
  if (current === null) throw unknownApp(app);
  return current;
}

export function unknownApp(app: AppId, version?: string): MusterError {
  const which = version === undefined ? "" : ` in version ${version}`;
  return new MusterError("app.unknown", `App '${app}' does not exist${which}`);
}

/** Versions of one app that are kept, newest first. */
export function versionsOf(state: StateView, app: string): number[] {
  return versionKeys(state, app)
    .flatMap((key) => state.kind("version").get(key)?.value.version ?? [])
    .sort((a, b) => b - a);
}

/** Keys of an app's versions, without their kind. A view without an index is walked. */
export function versionKeys(state: StateView, app: string): string[] {
  const token = appToken(app);
  const indexed = state.under?.("version", token);
  if (indexed !== undefined) return [...indexed];
  return [...state.kind("version").keys()].filter((key) => key.startsWith(`${token}.`));
}
