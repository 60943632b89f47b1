/** A client of an event stream that keeps what it reads, may stop reading, and may go away. */
import { get, type IncomingMessage } from "node:http";

export type SseFrame = { readonly id: string | null; readonly event: string; readonly data: Record<string, unknown> };

export class SseClient {
  readonly frames: SseFrame[] = [];
  readonly comments: string[] = [];
  readonly #response: IncomingMessage;
  #rest = "";
  readonly #lines: string[] = [];
  isEnded = false;

  private constructor(response: IncomingMessage) {
    this.#response = response;
    response.setEncoding("utf8");
    response.on("data", (chunk: string) => this.#take(chunk));
    response.on("error", () => undefined);
    response.on("close", () => {
      this.isEnded = true;
    });
  }

  /** Resolves with the head of the answer; rejects when it is none of an event stream. */
  static open(url: string, headers: Record<string, string> = {}): Promise<SseClient> {
    return new Promise((resolve, reject) => {
      const request = get(url, { agent: false, headers: { accept: "text/event-stream", ...headers } }, (response) => {
        if (response.statusCode === 200) resolve(new SseClient(response));
        else reject(new Error(`${url} answered ${response.statusCode}`));
      });
      request.on("error", reject);
    });
  }

  get headers() {
    return this.#response.headers;
  }
  /** Of the last frame that had one. */
  get lastId(): string | null {
    return this.frames.findLast(({ id }) => id !== null)?.id ?? null;
  }
  types(): string[] {
    return this.frames.map(({ event }) => event);
  }
  stopReading(): void {
    this.#response.pause();
  }
  goOnReading(): void {
    this.#response.resume();
  }
  leave(): void {
    this.#response.destroy();
  }

  #take(chunk: string): void {
    const lines = (this.#rest + chunk).split("\n");
    this.#rest = lines.pop() as string;
    for (const line of lines) {
      if (line.startsWith(":")) this.comments.push(line);
      else if (line !== "") this.#lines.push(line);
      else this.#frame(this.#lines.splice(0));
    }
  }

  #frame(lines: readonly string[]): void {
    const field = (name: string) =>
      lines.filter((line) => line.startsWith(`${name}: `)).map((line) => line.slice(name.length + 2));
    const data = field("data").join("\n");
    if (data === "") return;
    this.frames.push({ id: field("id")[0] ?? null, event: field("event")[0] ?? "", data: JSON.parse(data) });
  }
}
