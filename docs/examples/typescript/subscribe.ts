/**
 * Subscribes to events of Puente: typed, replayable, each handled once.
 *
 *   npm ci && npm run build
 *   node dist/subscribe.js --descriptors descriptors.binpb --subject 'puente.v1.*.orders.order.*' --since 1h
 *
 * The descriptor set is the schema of every event. The gateway serves it at /api/events/descriptors.binpb; in a
 * checkout, `puente events catalog --descriptors FILE` writes it. One JSON object per event is printed.
 */
import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";

import { createFileRegistry, fromBinary, toJson } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { AckPolicy, DeliverPolicy, jetstream, jetstreamManager } from "@nats-io/jetstream";
import type { ConsumerConfig, JsMsg } from "@nats-io/jetstream";
import { connect, credsAuthenticator } from "@nats-io/transport-node";

const STREAM = "EVENTS";
/** How many ids are remembered. A service keeps them in its database, in the transaction of what the event changes. */
const REMEMBERED = 10_000;
/** The broker forgets a consumer without a name so long after we are gone; in nanoseconds. */
const FORGOTTEN_AFTER = 300 * 1_000_000_000;

const { values: options } = parseArgs({
  options: {
    "nats-url": { type: "string", default: "nats://127.0.0.1:4222" },
    creds: { type: "string" },
    descriptors: { type: "string" },
    subject: { type: "string", default: "puente.v1.>" },
    since: { type: "string" },
    durable: { type: "string" },
    count: { type: "string" },
  },
});

/** Where a new consumer begins: 10m, 2h, 1d, an RFC 3339 time, or only what comes from now on. */
function startOf(since: string | undefined): Partial<ConsumerConfig> {
  if (since === undefined) return { deliver_policy: DeliverPolicy.New };
  const span = /^(\d+)([smhd])$/.exec(since);
  const seconds = { s: 1, m: 60, h: 3600, d: 86400 } as const;
  const start = span
    ? new Date(Date.now() - Number(span[1]) * 1000 * seconds[span[2] as keyof typeof seconds])
    : new Date(since);
  return { deliver_policy: DeliverPolicy.StartTime, opt_start_time: start.toISOString() };
}

/** Ids of events that were handled: a replay brings events again under their own ids. */
class Seen {
  readonly #ids = new Set<string>();

  firstTime(id: string): boolean {
    if (this.#ids.has(id)) return false;
    this.#ids.add(id);
    const oldest = this.#ids.values().next();
    if (this.#ids.size > REMEMBERED && !oldest.done) this.#ids.delete(oldest.value);
    return true;
  }
}

if (options.descriptors === undefined) throw new Error("--descriptors FILE is needed");
const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, await readFile(options.descriptors)));

function print(message: JsMsg): void {
  const header = (name: string): string => message.headers?.get(name) ?? "";
  const schema = registry.getMessage(header("ce-type"));
  if (schema === undefined) throw new Error(`${header("ce-type")} is not in the descriptor set`);
  const event = fromBinary(schema, message.data);
  console.log(
    JSON.stringify({
      id: header("ce-id"),
      type: header("ce-type"),
      time: header("ce-time"),
      tenant: header("puente-tenant"),
      replay: header("puente-replay") || null,
      data: toJson(schema, event, { registry, useProtoFieldName: true }),
    }),
  );
}

const client = await connect({
  servers: options["nats-url"],
  name: "puente-example-typescript",
  ...(options.creds && { authenticator: credsAuthenticator(await readFile(options.creds)) }),
});
const manager = await jetstreamManager(client);
const made = await manager.consumers.add(STREAM, {
  ack_policy: AckPolicy.Explicit,
  filter_subject: options.subject,
  // With a name the broker remembers how far we are.
  ...(options.durable ? { durable_name: options.durable } : { inactive_threshold: FORGOTTEN_AFTER }),
  ...startOf(options.since),
});
const consumer = await jetstream(client).consumers.get(STREAM, made.name);

const seen = new Seen();
const most = options.count === undefined ? Infinity : Number(options.count);
let handled = 0;
for await (const message of await consumer.consume()) {
  if (seen.firstTime(message.headers?.get("ce-id") ?? "")) {
    print(message);
    handled += 1;
  }
  // Acknowledged after it was handled: what was not comes again.
  message.ack();
  if (handled >= most) break;
}
await client.drain();
