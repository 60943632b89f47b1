/** The docker command line, as people use it. */
import { spawn } from "node:child_process";

export type DockerOptions = {
  /** A folder that goes in on standard input, as a tar. */
  readonly tar?: string;
  readonly withinMs?: number;
};

/** What it printed, on either stream. Throws with all of that when it fails. */
export async function docker(args: readonly string[], { tar, withinMs = 90_000 }: DockerOptions = {}): Promise<string> {
  const child = spawn("docker", args, { stdio: ["pipe", "pipe", "pipe"], timeout: withinMs });
  const packer = tar === undefined ? null : spawn("tar", ["-C", tar, "--owner=0", "--group=0", "-c", "."]);
  if (packer === null) child.stdin.end();
  else packer.stdout.pipe(child.stdin);
  child.stdin.on("error", () => undefined);
  const said: string[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => said.push(chunk.toString()));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  const output = said.join("").trim();
  if (code !== 0)
    throw new Error(`docker ${args.slice(0, 4).join(" ")} ... ended with ${code}:\n${output.slice(-4_000)}`);
  return output;
}
