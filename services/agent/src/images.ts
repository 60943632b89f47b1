/**
 * Which container images this machine has, so that placement can prefer it for them. Looked up at the start, after a pull
 * and now and then; a changed list is told soon, but not often: a machine that pulls much must not fill the cluster with it.
 */
import { ENGINE_PING_MS, IMAGES_LOOK_MS, IMAGES_TELL_MS } from "./limits.ts";
import { within } from "./within.ts";

export type ImageList = {
  readonly names: readonly string[];
  /** Looks again; calls that come meanwhile share one more look. */
  look(): void;
  stop(): void;
};

export type ImageTools = {
  /** null: nobody can say, and what was known stays. */
  readonly look: () => Promise<readonly string[] | null>;
  readonly onChange: () => void;
  readonly everyMs?: number;
  readonly tellMs?: number;
};

/** Resolves when the first look is over, or takes too long to be waited for. */
export async function followImages({
  look,
  onChange,
  everyMs = IMAGES_LOOK_MS,
  tellMs = IMAGES_TELL_MS,
}: ImageTools): Promise<ImageList> {
  let names: readonly string[] = [];
  /** What was told last; null until the first report can tell it. */
  let told: string | null = null;
  let toldAtMs = Number.NEGATIVE_INFINITY;
  let telling: NodeJS.Timeout | null = null;
  let looking: Promise<void> | null = null;
  let again = false;
  let stopped = false;

  const tell = (): void => {
    telling = null;
    if (JSON.stringify(names) === told) return;
    told = JSON.stringify(names);
    toldAtMs = performance.now();
    onChange();
  };

  const lookNow = async (): Promise<void> => {
    names = (await look()) ?? names;
    if (stopped || told === null || JSON.stringify(names) === told) return;
    telling ??= setTimeout(tell, Math.max(0, toldAtMs + tellMs - performance.now())).unref();
  };

  const lookOnce = (): void => {
    if (stopped) return;
    if (looking !== null) {
      again = true;
      return;
    }
    again = false;
    looking = lookNow().finally(() => {
      looking = null;
      if (again) lookOnce();
    });
  };

  lookOnce();
  await within(ENGINE_PING_MS, looking ?? Promise.resolve());
  told = JSON.stringify(names);
  const timer = setInterval(lookOnce, everyMs).unref();
  return {
    get names() {
      return names;
    },
    look: lookOnce,
    stop() {
      stopped = true;
      clearInterval(timer);
      if (telling !== null) clearTimeout(telling);
    },
  };
}
