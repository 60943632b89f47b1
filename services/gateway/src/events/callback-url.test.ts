import assert from "node:assert/strict";
import { test } from "node:test";
import { readCallbackUrl, subscriptionId } from "./callback-url.ts";

test("a callback's URL is kept in one form, so that it is one subscription however it is written", () => {
  for (const given of ["http://LOCALHOST:80/a/../b#here", "http://localhost/b"])
    assert.equal(readCallbackUrl(given, "loopback"), "http://localhost/b");
  assert.match(subscriptionId("http://localhost/b"), /^[0-9a-f]{32}$/);
  assert.notEqual(subscriptionId("http://localhost/b"), subscriptionId("http://localhost/c"));
});

for (const url of [
  "http://127.0.0.1/",
  "http://127.9.9.9:1/",
  "http://[::1]:9/x",
  "https://localhost/",
  "http://2130706433/",
])
  test(`${url} is this machine`, () => assert.ok(readCallbackUrl(url, "loopback")));

for (const url of ["http://10.0.0.1/", "http://localhost.example/", "http://[::2]/", "http://127.0.0.1@10.0.0.1/"])
  test(`${url} is not this machine`, () => {
    assert.throws(() => readCallbackUrl(url, "loopback"), /not this machine|not taken/);
  });

test("elsewhere is allowed where an operator allows it", () => {
  assert.equal(readCallbackUrl("https://example.com/cb", "any"), "https://example.com/cb");
});
