import { createServer } from "node:net";
import { MusterError } from "@muster/contracts";

const TRIES_MAX = 100;

function isFree(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** The port asked for, or the first free one from `usual` on when none was. Throws a sentence when the asked one is taken. */
export async function choosePort(
  what: string,
  flag: string,
  asked: number | null,
  usual: number,
  host = "127.0.0.1",
): Promise<number> {
  if (asked !== null) {
    if (await isFree(host, asked)) return asked;
    throw new MusterError(
      "internal",
      `port ${asked} is taken, and ${what} was asked to use it: choose another with ${flag}, or leave it out and the next free one is taken`,
    );
  }
  for (let port = usual; port < usual + TRIES_MAX; port += 1) if (await isFree(host, port)) return port;
  throw new MusterError(
    "internal",
    `no port from ${usual} to ${usual + TRIES_MAX - 1} is free for ${what}: name one with ${flag}`,
  );
}
