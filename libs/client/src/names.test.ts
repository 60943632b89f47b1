import assert from "node:assert/strict";
import { test } from "node:test";
import { appIdFrom, appOfInstanceText, matchApp, matchInstance, nearestTo } from "./names.ts";

const APPS = ["/hello", "/hello-world", "/prod/web", "/prod/worker", "/dev/web"];

for (const [text, expected] of [
  ["hello", { type: "one", id: "/hello" }],
  ["/hello", { type: "one", id: "/hello" }],
  ["hello-", { type: "one", id: "/hello-world" }],
  ["hel", { type: "many", ids: ["/hello", "/hello-world"] }],
  ["prod/wo", { type: "one", id: "/prod/worker" }],
  ["worker", { type: "one", id: "/prod/worker" }],
  ["web", { type: "many", ids: ["/dev/web", "/prod/web"] }],
  ["prod/", { type: "many", ids: ["/prod/web", "/prod/worker"] }],
  ["helo", { type: "none", nearest: "/hello" }],
  ["database", { type: "none", nearest: null }],
] as const)
  test(`the app "${text}" is ${JSON.stringify(expected)}`, () => {
    assert.deepEqual(matchApp(text, APPS), expected);
  });

const INSTANCES = [
  { id: "hello.0.12", hasEnded: true },
  { id: "hello.0.15", hasEnded: false },
  { id: "hello.1.13", hasEnded: true },
  { id: "hello.1.14", hasEnded: true },
  { id: "hello.10.20", hasEnded: false },
];

for (const [text, expected] of [
  ["hello.0.12", { type: "one", id: "hello.0.12" }],
  ["hello.0", { type: "one", id: "hello.0.15" }],
  ["hello.1", { type: "many", ids: ["hello.1.13", "hello.1.14"] }],
  ["hello.10", { type: "one", id: "hello.10.20" }],
  ["hello.0.1", { type: "one", id: "hello.0.15" }],
  ["hello.7", { type: "none", nearest: null }],
] as const)
  test(`the instance "${text}" is ${JSON.stringify(expected)}`, () => {
    assert.deepEqual(matchInstance(text, INSTANCES), expected);
  });

for (const [text, app] of [
  ["hello.0.12", "/hello"],
  ["prod_web=api.3", "/prod/web.api"],
  ["hello.", "/hello"],
  ["hello", null],
  ["hello.x", null],
] as const)
  test(`"${text}" speaks of an instance of ${app}`, () => {
    assert.equal(appOfInstanceText(text), app);
  });

test("an app's name may be written with or without its slash, and nothing else is one", () => {
  assert.deepEqual(["hello", "/a/b", "a/b/", "", "Hello", "a b"].map(appIdFrom), [
    "/hello",
    "/a/b",
    "/a/b",
    null,
    null,
    null,
  ]);
});

test("the nearest name is suggested only when it is near", () => {
  assert.equal(nearestTo("/hallo", APPS), "/hello");
  assert.equal(nearestTo("/x", APPS), null);
});
