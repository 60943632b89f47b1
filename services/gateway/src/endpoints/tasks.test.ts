import assert from "node:assert/strict";
import { test } from "node:test";
import { place, placedRow, want, world } from "@muster/core/apps/testing/handmade-app";
import { createApi } from "../api.ts";
import { fakeGateway } from "../testing/fake-gateway.ts";

test("a task that is being ended already is answered as it is; one that is gone does not exist", async () => {
  const here = world();
  want(here, [10]);
  place(here, [placedRow(0, { goal: "stop" })]);
  const api = createApi(await fakeGateway({ state: here.state, health: here.health }));
  const kill = async (task: string) => {
    const request = new Request(`http://127.0.0.1:8080/v2/apps/hello/tasks/${task}`, {
      method: "DELETE",
      headers: { host: "127.0.0.1:8080" },
    });
    const response = await api.fetch(request, { requester: { who: "test", from: "here" } });
    return [response.status, await response.json()];
  };
  const [status, { task }] = (await kill("hello.0.10")) as [number, { task: { id: string; state: string } }];
  assert.deepEqual([status, task.id, task.state], [200, "hello.0.10", "TASK_KILLING"]);
  assert.equal((await kill("hello.0.9"))[0], 404);
});
