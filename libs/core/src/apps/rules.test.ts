import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { keys, readApp } from "@muster/contracts";
import type { Change } from "./change.ts";
import { decideCreate, decideDelete, decideRestart, decideScale, decideUpdate } from "./decide.ts";
import { asked, at, commit, documentOf, end, NOW, read, standing, update } from "./testing/handmade-requests.ts";
import { type HandmadeState, handmadeState } from "./testing/handmade-view.ts";

const CONFLICTS = { placement: { conflicts: ["/db*"] } };
const APART = { placement: { antiAffinity: ["/db"] } };
const listed = (state: HandmadeState) => state.kind("rules").get("")?.value.apps ?? [];
const writesRules = ({ decision }: Change) => decision.writes.some(({ key }) => key === keys.rules);
/** Another app than `/web`, decided on what `state` shows. Without ports: those would collide too. */
const other = (state: HandmadeState, id: string) => {
  const reading = readApp({ id, cmd: "sleep 9", portDefinitions: [], ...CONFLICTS });
  return decideCreate(state, { ...asked(`d${id.slice(1)}`), app: id }, reading, at);
};

describe("apps with rules about others are listed", () => {
  test("with their creation or the change that brings the rule, and stay listed when a later version has none", () => {
    for (const rule of [CONFLICTS, APART]) {
      assert.deepEqual(listed(standing(rule)), ["web"]);
      const state = standing();
      assert.deepEqual(listed(state), []);
      commit(state, update(state, asked("d1"), rule, NOW + 1));
      assert.deepEqual(listed(state), ["web"]);
      end(state);
      commit(state, update(state, asked("d2"), {}, NOW + 2));
      assert.deepEqual(listed(state), ["web"], "instances of the older version still stand");
    }
  });

  test("a preference binds nobody else and is not listed", () => {
    assert.deepEqual(listed(standing({ placement: { antiAffinity: [{ app: "/db", weight: 5 }] } })), []);
  });

  test("a new rule of a listed app is made known by a new revision of the list, and nothing else is", () => {
    const state = standing(CONFLICTS);
    assert.equal(writesRules(update(state, asked("d1"), { ...CONFLICTS, cmd: "sleep 10" }, NOW + 1)), false);
    assert.equal(writesRules(decideScale(state, asked("d1"), 5, at)), false);
    assert.equal(writesRules(decideRestart(state, asked("d1"), at)), false);
    assert.equal(writesRules(decideDelete(state, asked("d1"), at)), false);
    const before = state.revision(keys.rules);
    commit(state, update(state, asked("d1"), { placement: { conflicts: ["/cache"] } }, NOW + 1));
    assert.deepEqual(listed(state), ["web"]);
    assert.ok(state.revision(keys.rules) > before);
  });

  test("the list comes after the app and its version in the batch: who reads message by message never knows less than it says", () => {
    const state = handmadeState();
    const { decision } = commit(state, decideCreate(state, asked("d1"), read(CONFLICTS), at));
    const order = decision.writes.map(({ key }) => key);
    const position = order.indexOf(keys.rules);
    assert.ok(position > order.indexOf(keys.app("/web")) && position > order.indexOf(keys.version("/web", NOW)));
    assert.ok(
      decision.writes.every(({ expect }) => expect !== null),
      "what expects nothing would be sent first",
    );
  });

  test("an app whose rules nobody listed yet is listed when it is restarted", () => {
    const state = standing(CONFLICTS);
    state.put(keys.rules, { apps: [] });
    commit(state, decideRestart(state, asked("d1"), at));
    assert.deepEqual(listed(state), ["web"]);
  });
});

describe("two such apps at the same time", () => {
  test("one of the two loses, and decided again it finds the other one listed", () => {
    const state = handmadeState();
    const [first, second] = [other(state, "/a"), other(state, "/b")];
    commit(state, first);
    assert.throws(() => commit(state, second), /rules is at/);
    commit(state, other(state, "/b"));
    assert.deepEqual(listed(state), ["a", "b"]);
  });

  test("an update loses to another app's creation in the same way", () => {
    const state = standing();
    const old = decideUpdate(
      state,
      asked("d1"),
      { read: () => read(CONFLICTS), mustExist: false },
      { ...at, now: NOW + 1 },
    );
    commit(state, other(state, "/a"));
    assert.throws(() => commit(state, old), /rules is at/);
    assert.equal(documentOf(state).deployment, null, "nothing of it is stored");
  });
});
