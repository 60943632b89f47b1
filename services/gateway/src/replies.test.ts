import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ERRORS, ErrorBodySchema, type ErrorCode, MusterError } from "@muster/contracts";
import { parseLabelSelector } from "./endpoints/label-selector.ts";
import { errorResponse } from "./http/errors.ts";
import { absoluteId, routingPath, validId } from "./http/paths.ts";
import { warningHeaders } from "./http/warnings.ts";

describe("errors", () => {
  test("every code of the catalogue has its status and a body of the shape that is documented", async () => {
    for (const code of Object.keys(ERRORS) as ErrorCode[]) {
      const response = errorResponse(new MusterError(code, "why"));
      assert.equal(response.status, ERRORS[code].status, code);
      assert.deepEqual(ErrorBodySchema.parse(await response.json()), { message: "why", code });
    }
  });

  test("problems are told by place, each with its line and column", async () => {
    const problems = [
      { path: "/cpus", message: "a", line: 3, column: 5 },
      { path: "/cpus", message: "b", line: 3, column: 5 },
      { path: "/mem", message: "c" },
    ];
    const body = await errorResponse(new MusterError("spec.invalid", "x", { problems, deployments: ["d1"] })).json();
    assert.deepEqual(body, {
      message: "x",
      code: "spec.invalid",
      details: [
        { path: "/cpus", errors: ["a", "b"], line: 3, column: 5 },
        { path: "/mem", errors: ["c"] },
      ],
      deployments: [{ id: "d1" }],
    });
  });

  test("what nobody foresaw is a 500 that tells nothing of the inside", async () => {
    const response = errorResponse(new TypeError("secret of /etc/passwd"));
    assert.equal(response.status, 500);
    assert.ok(!(await response.text()).includes("secret"));
  });

  test("who comes too early is told when to come again", () => {
    assert.equal(errorResponse(new MusterError("cluster.not-ready", "x")).headers.get("retry-after"), "1");
  });
});

describe("warnings", () => {
  test("each is one header value in quotes, with its place", () => {
    const warnings = [{ path: "/mem", message: '"memory" was understood as "mem"', line: 4, column: 3 }];
    assert.deepEqual(warningHeaders(warnings), [
      '299 muster "/mem: \\"memory\\" was understood as \\"mem\\" (line 4, column 3)"',
    ]);
  });

  test("nothing in them can break a header", () => {
    const [value] = warningHeaders([{ path: "/env/ü", message: 'a\r\nX-Evil: 1\\" \u0000 … 😀' }]);
    assert.match(value as string, /^299 muster "(?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*"$/);
    assert.doesNotThrow(() => new Headers({ warning: value as string }));
  });

  test("very many and very long ones are counted and cut", () => {
    const many = Array.from({ length: 60 }, () => ({ path: "/x", message: "y".repeat(5_000) }));
    const values = warningHeaders(many);
    assert.equal(values.length, 21);
    assert.equal(values.at(-1), '299 muster "and 40 more"');
    assert.ok(values.join(", ").length < 6_000);
  });
});

describe("addresses", () => {
  const cases = [
    ["http://h/v2/apps", "/v2/apps"],
    ["http://h/v2/apps/?embed=apps.tasks", "/v2/apps"],
    ["http://h//v2//apps//", "/v2/apps"],
    ["http://h/v2/apps//foo", "/v2/apps/foo"],
    ["http://h/v2/apps/a/b/c", "/v2/apps/a%2Fb%2Fc"],
    ["http://h/v2/apps/%2Fa%2Fb", "/v2/apps/%2Fa%2Fb"],
    ["http://h/v2/apps/a/b/restart", "/v2/apps/a%2Fb/restart"],
    ["http://h/v2/apps/a/b/tasks/", "/v2/apps/a%2Fb/tasks"],
    ["http://h/v2/apps/a/b/tasks/a_b.0.1", "/v2/apps/a%2Fb/tasks/a_b.0.1"],
    ["http://h/v2/apps/a/versions", "/v2/apps/a/versions"],
    ["http://h/v2/apps/a/versions/2026-11-20T13:19:00.000Z", "/v2/apps/a/versions/2026-11-20T13:19:00.000Z"],
    ["http://h/v2/apps/tasks", "/v2/apps/tasks"],
    ["http://h/v2/apps/a/b/*", "/v2/apps/a%2Fb%2F*"],
    ["http://h/v2/apps/*", "/v2/apps/*"],
    ["http://h/v2/apps/a/*/tasks", "/v2/apps/a%2F*/tasks"],
    ["http://h/v2/groups//a/b/", "/v2/groups/a%2Fb"],
    ["http://h/v2/groups/a/b/apps", "/v2/groups/a%2Fb/apps"],
    ["http://h/v2/groups/versions", "/v2/groups/versions"],
    ["http://h/v2/groups/versions/2026-11-20T13:19:00.000Z", "/v2/groups/versions/2026-11-20T13:19:00.000Z"],
    ["http://h/v2/groups/a/versions/v1", "/v2/groups/a/versions/v1"],
    ["http://h/v2/queue/a/b/delay", "/v2/queue/a%2Fb/delay"],
    ["http://h/v2/queue", "/v2/queue"],
    ["http://h/v2/pods/a/b", "/v2/pods/a%2Fb"],
    ["http://h/v1/apps/a/b/diff", "/v1/apps/a%2Fb/diff"],
    ["http://h/v2/apps/%zz?x=/v2/apps/a/b", "/v2/apps/%zz"],
    ["http://h/v1/deployments/d1/", "/v1/deployments/d1"],
    ["http://h/", "/"],
    ["http://h", "/"],
  ] as const;
  for (const [url, path] of cases) {
    test(`${url} is routed as ${path}`, () => {
      assert.equal(routingPath(url), path);
    });
  }

  test("ids are made absolute, and only valid ones are looked up", () => {
    assert.equal(absoluteId("//a//b/"), "/a/b");
    assert.equal(validId("a/b.c"), "/a/b.c");
    for (const text of ["", "/", "a_b", "a=b", "A", "a/../b", "%zz", "a b", "__proto__"])
      assert.equal(validId(text), null, text);
  });
});

describe("label selectors", () => {
  const labels = { env: "prod", tier: "web", "odd,name": "a b" };
  const cases = [
    ["env", true],
    ["nope", false],
    ["env==prod", true],
    ["env == test", false],
    ["env!=test", true],
    ["nope!=x", false],
    ["env in (prod, test)", true],
    ["env in (dev)", false],
    ["env notin (dev,test)", true],
    ["nope notin (dev)", false],
    ["env==prod, tier in (web)", true],
    ["env==prod,tier==db", false],
    ["odd\\,name==a\\ b", true],
    ["constructor", false],
  ] as const;
  for (const [text, matches] of cases) {
    test(`${text} ${matches ? "matches" : "does not match"}`, () => {
      assert.equal(parseLabelSelector(text)(labels), matches);
    });
  }

  for (const text of [
    "",
    "==x",
    "env==",
    "env=prod",
    "env in",
    "env in ()",
    "env in (a",
    "env in (a,)",
    "a b",
    "a,,b",
    "a,",
    "(",
    "\\",
  ]) {
    test(`"${text}" is refused`, () => {
      assert.throws(
        () => parseLabelSelector(text),
        (error) => error instanceof MusterError && error.status === 422,
      );
    });
  }

  test("a hostile one costs no more than its length", () => {
    const startedAt = performance.now();
    assert.throws(() => parseLabelSelector(`${"a,".repeat(5_000)}(`));
    assert.throws(() => parseLabelSelector("(".repeat(10_000)));
    assert.ok(performance.now() - startedAt < 1_000);
  });
});
