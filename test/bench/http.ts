/** What benchmarks send over HTTP, by clients that keep their connections. */
import { type Agent, request } from "node:http";

export type Answer = { readonly status: number; readonly text: string };

/** An app of one simulated instance. Without ports: there are no more service ports than ten thousand. */
export const smallApp = (id: string) => ({
  id,
  cmd: "sleep 1000",
  cpus: 0.005,
  mem: 4,
  instances: 1,
  portDefinitions: [],
});

export function askHttp(http: string, agent: Agent, method: string, path: string, body?: object): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(
      new URL(path, http),
      { method, agent, headers: { "content-type": "application/json" } },
      (answer) => {
        const chunks: Buffer[] = [];
        answer.on("data", (chunk: Buffer) => chunks.push(chunk));
        answer.once("error", reject);
        answer.once("end", () => resolve({ status: answer.statusCode ?? 0, text: Buffer.concat(chunks).toString() }));
      },
    );
    sent.once("error", reject);
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

/** @throws Error with what was answered */
export function expectStatus({ status, text }: Answer, wanted: number): void {
  if (status !== wanted) throw new Error(`${status} where ${wanted} was expected: ${text.slice(0, 300)}`);
}
