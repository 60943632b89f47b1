import assert from "node:assert/strict";
import { test } from "node:test";
import { MusterError } from "../errors.ts";
import { type GroupReading, readGroup } from "./group.ts";

const app = (id: string, dependencies: readonly string[]) => ({ id, cmd: "sleep 1", dependencies });

test("groups and their apps speak of neighbours by name, and of others in steps from themselves", () => {
  const { wish } = readGroup({
    id: "/shop",
    dependencies: ["mail", "../log"],
    apps: [app("front", ["cart", "../cart", "../../mail"])],
    groups: [{ id: "api", dependencies: ["db", "../db"], apps: [app("orders", ["stock", "../../db"])] }],
  });
  assert.ok(wish.kind === "tree");
  const { tree } = wish;
  const [api] = tree.groups as [GroupReading];
  assert.deepEqual(tree.dependencies, ["/mail", "/log"]);
  assert.deepEqual(tree.apps?.[0]?.spec.dependencies, ["/shop/cart", "/mail"]);
  assert.deepEqual(api.dependencies, ["/shop/db"]);
  assert.deepEqual(api.apps?.[0]?.spec.dependencies, ["/shop/api/stock", "/shop/db"]);
});

test("a name that means the group or the app itself is refused where it stands", () => {
  assert.throws(
    () => readGroup({ id: "/shop", dependencies: ["shop"], apps: [app("front", ["front"])] }),
    (error) => {
      assert.ok(error instanceof MusterError);
      assert.deepEqual(
        error.problems.map(({ path }) => path),
        ["/apps(0)/dependencies(0)", "/dependencies(0)"],
      );
      return true;
    },
  );
});
