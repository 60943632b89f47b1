import assert from "node:assert/strict";
import { test } from "node:test";
import { Metrics } from "./metrics.ts";

const metrics = new Metrics({
  commits: () => [["state", { committed: 7, stale: 2 }]],
  documents: () => [["state", "app", 3]],
  processes: () => 4,
});
metrics.request("/v2/apps", "GET", 200, 3);
metrics.request("/v2/apps", "GET", 200, 5);
metrics.request("/v2/apps", "POST", 409, 4);

test("figures are told in Prometheus' form, each with its help and its labels", async () => {
  const text = await metrics.prometheus();
  assert.match(text, /^muster_http_requests_total\{route="\/v2\/apps",method="GET",status="200"\} 2$/m);
  assert.match(text, /^muster_batches\{bucket="state",outcome="stale"\} 2$/m);
  assert.match(text, /^muster_documents\{bucket="state",kind="app"\} 3$/m);
  assert.match(text, /^# TYPE process_resident_memory_bytes gauge$/m);
});

test("the same figures are told in Dropwizard's form", async () => {
  const told = (await metrics.json()) as {
    counters: Record<string, object>;
    gauges: Record<string, object>;
    histograms: Record<string, { count: number; mean: number }>;
  };
  assert.deepEqual(told.counters["muster_http_requests_total{route=/v2/apps,method=POST,status=409}"], { count: 1 });
  assert.deepEqual(told.gauges.muster_processes, { value: 4 });
  const { count, mean } = told.histograms["muster_http_request_seconds{route=/v2/apps}"] ?? { count: 0, mean: 0 };
  assert.deepEqual([count, Math.round(mean * 1e6)], [3, 4_000]);
});
