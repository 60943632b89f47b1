// Plays the stories of deployments in this folder. UPDATE=1 writes what was said; read the difference before you keep it.

import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { playScript } from "../script.ts";
import { DeploymentWorld } from "./told.ts";

const folder = import.meta.dirname;

for (const name of readdirSync(folder).filter((each) => each.endsWith(".txt")))
  test(`the deployments of ${name.replace(/\.txt$/, "")} go as written`, () => {
    const path = join(folder, name);
    const text = readFileSync(path, "utf8");
    const world = new DeploymentWorld();
    const played = playScript(text, (command) => world.play(command));
    if (process.env.UPDATE === "1") writeFileSync(path, played);
    else assert.equal(played, text);
  });
