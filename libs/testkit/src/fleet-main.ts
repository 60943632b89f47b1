/** A simulated fleet as a process of its own, so that its work is counted apart. One line of counts a second on stdout. */
import { connectNats, numberSetting, runProcess, setting } from "@muster/runtime";
import { z } from "zod";
import { SimulatedFleet } from "./simulated-fleet.ts";

const settings = {
  natsUrl: setting(z.string(), "nats-server to connect to", "URL"),
  agents: setting(numberSetting(100, { min: 1, max: 100_000 }), "how many agents"),
  name: setting(z.string().default("sim"), "what their ids begin with"),
  racks: setting(numberSetting(50, { min: 1 }), "racks they stand in"),
  zones: setting(numberSetting(3, { min: 1 }), "zones they stand in"),
  facts: setting(z.enum(["none", "running"]).default("running"), "what is told of launched tasks"),
};
const TELL_MS = 200;

await runProcess("fleet", settings, async ({ natsUrl, ...options }) => {
  const nats = await connectNats({ url: natsUrl }, { name: `fleet of ${options.agents}`, waitMs: 30_000 });
  const fleet = new SimulatedFleet(nats, options);
  let ready = false;
  const tell = () => void process.stdout.write(`${JSON.stringify({ ready, ...fleet.counts })}\n`);
  const telling = setInterval(tell, TELL_MS);
  await fleet.start();
  ready = true;
  tell();
  return {
    async stop() {
      clearInterval(telling);
      await fleet.stop();
      await nats.connection.close();
    },
  };
});
