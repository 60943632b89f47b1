/** The docker command line, as people use it. */
import { spawn, spawnSync } from "node:child_process";
import { whyNoEngine } from "@muster/agent/testing/engine";

/** Why nothing can be built and run in containers here, or false. */
export async function whyNoContainers(): Promise<string | false> {
  for (const program of ["docker", "npm", "tar"])
    if (spawnSync(program, ["--version"]).status !== 0) return `there is no ${program} command`;
  return await whyNoEngine();
}

export type DockerOptions = {
  /** A folder that goes in on standard input, as a tar. */
  readonly tar?: string;
  readonly withinMs?: number;
};

/** What it printed, on either stream. Throws with all of that when it fails. */
export async function docker(args: readonly string[], { tar, withinMs = 90_000 }: DockerOptions = {}): Promise<string> {
  const child = spawn("docker", args, { stdio: ["pipe", "pipe", "pipe"], timeout: withinMs });
  if (tar === undefined) child.stdin.end();
  else {
    const packer = spawn("tar", ["-C", tar, "--owner=0", "--group=0", "-c", "."], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    packer.stdout.pipe(child.stdin);
  }
  child.stdin.on("error", () => undefined);
  const said: string[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => said.push(chunk.toString()));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  const output = said.join("").trim();
  if (code === 0) return output;
  throw new Error(`docker ${args.slice(0, 4).join(" ")} ... ended with ${code}:\n${output.slice(-4_000)}`);
}
