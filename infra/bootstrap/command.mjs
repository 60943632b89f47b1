import { spawn } from "node:child_process";

const KEPT_OUTPUT_CHARS = 16_000;

/**
 * Runs a program to its end and returns `{ ok, output }`, its two streams together and cut to their last 16,000 characters.
 * A program that is missing or outlives `withinMs` is a failure like any other, with the reason as its output.
 */
export function run(file, args, { withinMs, ...options }) {
  return new Promise((resolve) => {
    let output = "";
    const child = spawn(file, args, { stdio: ["ignore", "pipe", "pipe"], ...options });
    const timer = setTimeout(() => {
      output += `\n${file} was stopped after ${withinMs / 1000} s`;
      child.kill("SIGKILL");
    }, withinMs);
    const keep = (chunk) => {
      output = (output + chunk).slice(-KEPT_OUTPUT_CHARS);
    };
    child.stdout.setEncoding("utf8").on("data", keep);
    child.stderr.setEncoding("utf8").on("data", keep);
    child.on("error", (error) => {
      clearTimeout(timer);
      resolve({ ok: false, output: error.message });
    });
    child.on("close", (code) => {
      clearTimeout(timer);
      resolve({ ok: code === 0, output: output.trim() });
    });
  });
}

/** The last lines of a program's output, indented, for a sentence that has to show them. */
export function tail(output, lines = 15) {
  return output
    .split("\n")
    .slice(-lines)
    .map((line) => `    ${line}`)
    .join("\n");
}
