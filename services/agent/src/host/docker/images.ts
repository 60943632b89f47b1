/** Images: used when they are there, pulled when not, one pull per image at a time. */
import type Docker from "dockerode";
import { IMAGE_SEEN_MS, IMAGES_TOLD_MAX, PROGRESS_TOLD_MS } from "../../limits.ts";
import { LaunchError, type Order } from "../runtime.ts";
import { imageOf } from "./container.ts";
import { type Engine, engineError } from "./engine.ts";

export type Images = {
  ensure(order: Order, signal: AbortSignal): Promise<void>;
  /** The engine says that it has not got the image of this order after all. */
  forget(order: Order): void;
  /** Names with tags of the newest images that need no pull, sorted; null when the engine does not say. */
  present(): Promise<string[] | null>;
};

export function images(engine: Engine, pullTimeoutMs: number, onPulled: () => void): Images {
  const pulls = new Map<string, Pull>();
  /** When an image was last seen to be there: many containers of one image are often started together. */
  const seenAtMs = new Map<string, number>();

  const isLocal = async (image: string): Promise<boolean> => {
    if (performance.now() - (seenAtMs.get(image) ?? Number.NEGATIVE_INFINITY) < IMAGE_SEEN_MS) return true;
    try {
      await (await engine.calls()).getImage(image).inspect();
      seenAtMs.set(image, performance.now());
      return true;
    } catch (cause) {
      const { status, message } = engineError(cause);
      if (status === 404) return false;
      throw new LaunchError("runtime-unavailable", `the engine does not say whether it has ${image}: ${message}`);
    }
  };

  const pull = (image: string): Pull => {
    const running = pulls.get(image);
    if (running !== undefined) return running;
    const started: Pull = { steps: 0, done: Promise.resolve() };
    const step = () => {
      started.steps += 1;
    };
    started.done = pullImage(engine, withTag(image), pullTimeoutMs, step)
      .then(onPulled)
      .finally(() => pulls.delete(image));
    pulls.set(image, started);
    return started;
  };

  return {
    async ensure(order, signal) {
      const image = imageOf(order);
      if (!order.run.forcePull && (await isLocal(image))) return;
      signal.throwIfAborted();
      const pulling = pull(image);
      const stopTelling = tellOf(pulling, () => order.pulling(`pulls the image ${image}`));
      try {
        // The pull itself goes on: others may wait for it, and what was fetched is kept.
        await Promise.race([pulling.done, rejectOn(signal)]);
      } finally {
        stopTelling();
      }
    },
    forget: (order) => void seenAtMs.delete(imageOf(order)),
    async present() {
      try {
        return namesOf(await (await engine.calls()).listImages());
      } catch {
        return null;
      }
    },
  };
}

/** `steps`: how often the engine has said that it gets on. */
type Pull = { steps: number; done: Promise<void> };

/** Tells at once, and again while there is progress; answers what ends that. */
function tellOf(pulling: Pull, tell: () => void): () => void {
  let told = pulling.steps;
  tell();
  const timer = setInterval(() => {
    if (pulling.steps > told) tell();
    told = pulling.steps;
  }, PROGRESS_TOLD_MS);
  return () => clearInterval(timer);
}

/** An image that lost its tag to a newer one has no name, or the name `<none>:<none>`. */
export const namesOf = (listed: readonly Pick<Docker.ImageInfo, "Created" | "RepoTags">[]): string[] =>
  listed
    .toSorted((a, b) => b.Created - a.Created)
    .flatMap(({ RepoTags }) => RepoTags ?? [])
    .filter((name) => !name.startsWith("<none>"))
    .slice(0, IMAGES_TOLD_MAX)
    .sort();

/** Without a tag the engine would fetch every tag there is. */
export const withTag = (image: string): string => (/[:@][^/]+$/.test(image) ? image : `${image}:latest`);

const rejectOn = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason), { once: true }));

async function pullImage(engine: Engine, image: string, timeoutMs: number, step: () => void): Promise<void> {
  const failed = (why: string) =>
    new LaunchError("image-not-found", `the image ${image} is not here and cannot be pulled: ${why}`);
  const abort = AbortSignal.timeout(timeoutMs);
  try {
    const docker = await engine.streams();
    const stream = await docker.pull(image, { abortSignal: abort });
    await followed(docker, stream, abort, step);
  } catch (cause) {
    throw failed(abort.aborted ? `it took longer than ${timeoutMs / 1000} s` : engineError(cause).message);
  }
}

const followed = (docker: Docker, stream: NodeJS.ReadableStream, abort: AbortSignal, step: () => void): Promise<void> =>
  new Promise((resolve, reject) => {
    abort.addEventListener("abort", () => reject(abort.reason), { once: true });
    docker.modem.followProgress(
      stream,
      (error) => (error === null || error === undefined ? resolve() : reject(error)),
      step,
    );
  });
