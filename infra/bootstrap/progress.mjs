// What the bootstrap says while it works. Everything goes to stderr, so that a command's own output stays clean,
// and nothing at all is said about work that was already done.

const FRAMES = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const FRAME_MS = 100;

/** A failure whose message is a sentence for the user: it is printed without a stack. */
export class Refusal extends Error {}

/**
 * Shows that `text` is going on until `work` settles: a moving line on a terminal, two plain lines elsewhere.
 * Returns what `work` returns; its errors pass through.
 */
export async function step(text, work, out = process.stderr) {
  const startedMs = Date.now();
  const seconds = () => `${Math.round((Date.now() - startedMs) / 1000)} s`;
  const live = out.isTTY === true && process.env.TERM !== "dumb" && !process.env.CI;
  let frame = 0;
  const draw = () => out.write(`\r\x1b[K${FRAMES[frame++ % FRAMES.length]} ${text} ${seconds()}`);
  const timer = live ? setInterval(draw, FRAME_MS) : undefined;
  if (live) draw();
  else out.write(`muster: ${text} ...\n`);
  try {
    const result = await work();
    out.write(live ? `\r\x1b[K✓ ${text} (${seconds()})\n` : `muster: ${text}: done in ${seconds()}\n`);
    return result;
  } catch (error) {
    out.write(live ? `\r\x1b[K✗ ${text} (${seconds()})\n` : `muster: ${text}: failed after ${seconds()}\n`);
    throw error;
  } finally {
    clearInterval(timer);
  }
}
