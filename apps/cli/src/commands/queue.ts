/** `muster queue`: what waits for a place or for the end of a delay, and which checks refuse it. */
import type { QueueItem } from "@muster/client";
import { age, duration } from "@muster/terminal/units";
import { EXIT } from "../exit.ts";
import { printList, type WideColumn } from "../output.ts";
import type { Run } from "../program.ts";
import { withSession } from "../session.ts";

export const run: Run = (context) =>
  withSession(context, async ({ client }) => {
    const items = (await client.queue()).sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
    printList(context, items, { columns: columns(Date.now()), name: nameOf, empty: "nothing waits" });
    return EXIT.reached;
  });

const nameOf = ({ app }: QueueItem): string => app?.id ?? "";

const columns = (nowMs: number): WideColumn<QueueItem>[] => [
  { title: "APP", cell: nameOf, shrinksTo: 16 },
  { title: "WAITING", cell: ({ count }) => String(count), align: "right" },
  { title: "SINCE", cell: ({ since }) => (since === undefined ? "" : age(Date.parse(since), nowMs)), align: "right" },
  {
    title: "NEXT TRY",
    cell: ({ delay }) => (delay.overdue || delay.timeLeftSeconds === 0 ? "now" : delayText(delay, nowMs)),
  },
  {
    title: "REFUSED BY",
    cell: (item) => ({ text: refusalsText(item) || "nobody", tone: "quiet" }),
    shrinksTo: 20,
  },
];

function delayText({ timeLeftSeconds }: QueueItem["delay"], nowMs: number): string {
  const atMs = nowMs + timeLeftSeconds * 1_000;
  return `in ${duration(timeLeftSeconds * 1_000)}, at ${new Date(atMs).toTimeString().slice(0, 8)}`;
}

/** `InsufficientCpus 3 of 14, UnfulfilledRole 2 of 14`; the check that refuses most agents first. */
function refusalsText({ processedOffersSummary }: QueueItem): string {
  const rows = (processedOffersSummary?.rejectSummaryLastOffers ?? []).filter(({ declined }) => declined > 0);
  const seen = Math.max(0, ...rows.map(({ processed }) => processed));
  return rows
    .sort((a, b) => b.declined - a.declined)
    .map(({ reason, declined }) => `${reason} ${declined} of ${seen}`)
    .join(", ");
}
