import assert from "node:assert/strict";
import { test } from "node:test";
import { cloudEvent } from "@muster/contracts";
import { handmadeState } from "@muster/core/apps/testing/handmade-view";
import { framesOf, readPosition } from "./frames.ts";
import { filterFault, subjectFilter } from "./subject-filter.ts";

const positions = [
  ["17", { sequence: 17, parts: 0 }],
  ["0", { sequence: 0, parts: 0 }],
  [" 5 ", { sequence: 5, parts: 0 }],
  ["17.2", { sequence: 16, parts: 2 }],
  ["0.1", null],
  ["-1", null],
  ["1.2.3", null],
  ["1e3", null],
  ["99999999999999999999", null],
  ["yesterday", null],
  ["", null],
] as const;
for (const [id, position] of positions)
  test(`the id ${JSON.stringify(id)} means ${JSON.stringify(position)}`, () => {
    assert.deepEqual(readPosition(id), position);
  });

const feedEvent = (text: string) => ({ sequence: 17, subject: "muster.events.app.web.deleted", text, origin: 0 });

test("an event that is one of Marathon's has its sequence as its id", () => {
  const event = cloudEvent(
    { type: "muster.app.deleted", id: "e", subject: "/web", data: { app: "/web" } },
    { source: "/test", atMs: 0, traceparent: null },
  );
  const [frame, ...more] = framesOf(feedEvent(JSON.stringify(event)), handmadeState(), "light");
  assert.deepEqual(more, []);
  assert.equal(
    frame?.text,
    'id: 17\nevent: app_terminated_event\ndata: {"eventType":"app_terminated_event","appId":"/web","timestamp":"1970-01-01T00:00:00.000Z"}\n\n',
  );
  const [own] = framesOf(feedEvent(JSON.stringify(event, null, 1)), handmadeState(), "cloud");
  const lines = own?.text.split("\n") ?? [];
  assert.deepEqual(lines.slice(0, 3), ["id: 17", "event: muster.app.deleted", "data: {"]);
  const data = lines.filter((line) => line.startsWith("data: ")).map((line) => line.slice(6));
  assert.deepEqual(JSON.parse(data.join("\n")), event);
});

test("what is no event gives no frame", () => {
  for (const text of ["", "{", "[]", '{"type":"muster.app.deleted"}'])
    for (const form of ["light", "cloud"] as const)
      assert.deepEqual(framesOf(feedEvent(text), handmadeState(), form), []);
});

const subjects = [
  ["muster.events.>", "muster.events.app.web.deleted", true],
  ["muster.events.*.web.*", "muster.events.app.web.deleted", true],
  ["muster.events.*.web", "muster.events.app.web.deleted", false],
  ["muster.events.app.web.deleted.>", "muster.events.app.web.deleted", false],
  ["muster.events.app.web.deleted", "muster.events.app.web.deleted", true],
  ["muster.events.app.we", "muster.events.app.web", false],
  [">", "muster", true],
] as const;
for (const [filter, subject, isMatch] of subjects)
  test(`${filter} ${isMatch ? "matches" : "does not match"} ${subject}`, () => {
    assert.equal(filterFault(filter), null);
    assert.equal(subjectFilter(["other.x", filter])(subject), isMatch);
  });
test("without a filter everything matches", () => assert.equal(subjectFilter([])("muster.x"), true));
for (const filter of ["", "a..b", "a.>.b", "a b", ".a"])
  test(`${JSON.stringify(filter)} is no filter`, () => assert.notEqual(filterFault(filter), null));
