// The REST interface, asked by a schema-driven fuzzer: the fleet with simulated providers, an order that came of a talk, a
// dead letter, a key of an administrator, and Schemathesis with the document that the gateway serves. Same seed, same
// requests. PUENTE_SCHEMATHESIS names the program; more arguments go to it as they are.

import { spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { Person, raise, unreadable, until } from "../browser/stage.mjs";
import { OPERATOR, apiKey } from "./key.mjs";

/** Requests of one operation in the fuzzing phase; the others follow from the document. */
const EXAMPLES = process.env.EXAMPLES ?? "25";
const SEED = process.env.SEED ?? "1";
/** Names nothing. */
const NOBODY = "019469d2-0000-7000-8000-000000000001";

/** What there is, by the paths that it is asked for at: half of the requests are about it, half about nothing. */
async function known(console, headers) {
  const list = async (route, field) => {
    const answer = await fetch(`${console}${route}`, { headers });
    if (!answer.ok) throw new Error(`${route}: ${answer.status}`);
    return (await answer.json())[field];
  };
  const first = (route, field) => until(`something in ${route}`, async () => (await list(route, field))[0]);
  const [order, client, talk, message, delivery, effect, letter] = await Promise.all([
    first("/api/orders", "orders"), first("/api/clients", "clients"), first("/api/conversations", "conversations"),
    first("/api/messages", "messages"), first("/api/deliveries?outcomes=accepted", "deliveries"),
    first("/api/effects", "effects"), first("/api/dead-letters", "letters"),
  ]);
  const [event] = await list(`/api/events?aggregate_id=${order.order_id}`, "events");
  return [
    ["orders", { order: [order.number, order.order_id, NOBODY] }],
    ["clients", { id: [client.client_id, NOBODY] }],
    ["conversations", { id: [talk.conversation_id, NOBODY] }],
    ["messages", { id: [message.message_id, NOBODY] }],
    ["deliveries", { id: [delivery.id, NOBODY] }],
    ["events", { id: [event?.id ?? NOBODY, NOBODY] }],
    ["effects", { service: [effect.service, "ingress", "nobody"], id: [effect.id, NOBODY] }],
    ["dead-letters", { service: [letter.service, "nobody"], consumer: [letter.consumer, "nobody"], event_id: [letter.event_id, NOBODY] }],
  ];
}

const quoted = (values) => `[${values.map((value) => JSON.stringify(value)).join(", ")}]`;
const section = ([part, parameters]) => [
  ...Object.entries(parameters).map(([name, values]) => `[dictionaries."${part}.${name}"]\nvalues = ${quoted(values)}\n`),
  "[[operations]]",
  `include-path-regex = "^/api/${part}/[{]"`,
  "[operations.parameters]",
  ...Object.keys(parameters).map((name) => `"path.${name}" = { dictionary = "${part}.${name}", probability = 0.9 }`),
  "",
].join("\n");

// The fuzzer is one caller that is not let in many times; its attempts are no attack.
process.env.PUENTE_GATEWAY__STRANGERS_PER_MINUTE = "600000";
const stage = await raise();
const folder = await mkdtemp(path.join(tmpdir(), "puente-fuzz-api-"));
let status = 1;
try {
  await new Person(stage, "Ana Gómez", 1).order();
  await unreadable(stage);
  const key = await apiKey(stage.console, OPERATOR, stage.password);
  const headers = { authorization: `Bearer ${key}`, "puente-tenant": "algesta" };
  const config = path.join(folder, "schemathesis.toml");
  const standing = await readFile(path.join(import.meta.dirname, "schemathesis.toml"), "utf8");
  await writeFile(config, [standing, ...(await known(stage.console, headers)).map(section)].join("\n"));
  const given = [
    "--config-file", config, "run", `${stage.console}/api/openapi.json`,
    "--header", `Authorization: ${headers.authorization}`, "--header", "Puente-Tenant: algesta",
    "--phases", "examples,coverage,fuzzing", "--checks", "all", "--continue-on-failure",
    "--max-examples", EXAMPLES, "--seed", SEED, "--generation-database", "none", "--request-timeout", "25",
    "--no-color", ...process.argv.slice(2),
  ];
  const program = process.env.PUENTE_SCHEMATHESIS ?? "schemathesis";
  status = spawnSync(program, given, { cwd: folder, stdio: "inherit" }).status ?? 1;
} finally {
  await stage.lower();
  await rm(folder, { recursive: true, force: true });
}
process.exit(status);
