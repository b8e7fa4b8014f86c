// The REST interface, asked by a schema-driven fuzzer: the fleet with simulated providers, something of every kind that a
// path can name, a key of an administrator, and Schemathesis with the document that the gateway serves. Same seed, same
// requests. PUENTE_SCHEMATHESIS names the program; more arguments go to it as they are.

import { spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { PLATE, agree, introduce, nothing, request, settled } from "../browser/desk.mjs";
import { Person, raise, unreadable, until } from "../browser/stage.mjs";
import { OPERATOR, apiKey } from "./key.mjs";

/** Requests of one operation in the fuzzing phase; the others follow from the document. */
const EXAMPLES = process.env.EXAMPLES ?? "25";
const SEED = process.env.SEED ?? "1";
/** Names nothing. */
const NOBODY = "019469d2-0000-7000-8000-000000000001";

/** A photograph, brought as a form. */
async function recognise(desk, photo, texts = {}) {
  const form = new FormData();
  form.set("photo", new Blob([photo.bytes], { type: photo.type }), photo.name);
  for (const [name, value] of Object.entries(texts)) form.set(name, value);
  const { capture_id: id } = await desk.done("POST", "/api/assets/recognize-serial", form);
  return settled(desk.ask, id);
}

/** The interface for programs, with a key: `ask` answers with status and text, `done` with what was answered, or throws. */
function at(console, headers) {
  const ask = async (method, route, body) => {
    const form = body instanceof FormData;
    const answer = await fetch(`${console}${route}`, {
      method,
      redirect: "manual",
      headers: { ...headers, "idempotency-key": crypto.randomUUID(), ...(body && !form && { "content-type": "application/json" }) },
      body: form ? body : body && JSON.stringify(body),
    });
    return { status: answer.status, body: await answer.text() };
  };
  const done = async (method, route, body) => {
    const answer = await ask(method, route, body);
    if (answer.status >= 300) throw new Error(`${method} ${route}: ${answer.status} ${answer.body}`);
    return JSON.parse(answer.body);
  };
  return { ask, done };
}

/** A contract that is out, a plate with its record sheet, one that waits for a person, a replay, and somebody who logs in. */
async function furnish({ ask, done }, signing) {
  await introduce(ask);
  await agree(ask, signing);
  await done("POST", `/api/orders/${signing}/send-to-signature`, {});
  const signature = await request(ask, signing, (one) => one.step === "waiting");
  const plate = { name: "placa.jpg", type: "image/jpeg", bytes: await readFile(PLATE.file) };
  const read = await recognise({ ask, done }, plate, { order_id: signing });
  if (read.state === "PorConfirmar") await done("POST", `/api/captures/${read.capture_id}/confirm`, {});
  const asset = await until("the record sheet", async () => {
    const { assets: [asset] } = await done("GET", `/api/assets?search=${read.serial}`);
    return asset?.sheet_document_id && asset;
  });
  let waiting;
  for (const shade of [40, 41, 42]) {
    const photo = { name: "placa.png", type: "image/png", bytes: nothing(shade) };
    waiting = await recognise({ ask, done }, photo, waiting && { capture_id: waiting.capture_id });
  }
  const filter = { since: "2026-01-01T00:00:00Z" };
  const replay = await done("POST", "/api/replays", { filter, reason: "something to look at" });
  const { user } = await done("POST", "/api/users", { email: "otra@algesta.example", name: "Otra", role: "viewer" });
  const { key } = await done("POST", "/api/keys", { name: "other", role: "viewer" });
  return {
    assets: { id: [asset.asset_id, asset.number, NOBODY] },
    captures: { id: [waiting.capture_id, read.capture_id, NOBODY] },
    directory: { person: ["laura.mejia", "frio-andino", "nobody"] },
    documents: { id: [asset.sheet_document_id, NOBODY] },
    keys: { id: [key.id, NOBODY] },
    replays: { id: [replay.id, NOBODY] },
    signatures: { id: [signature.request_id, NOBODY] },
    users: { id: [user.id, NOBODY] },
  };
}

/** What there is, by the paths that it is asked for at: half of the requests are about it, half about nothing. */
async function known(desk, signing) {
  const list = async (route, field) => (await desk.done("GET", route))[field];
  const first = (route, field) => until(`something in ${route}`, async () => (await list(route, field))[0]);
  const [client, talk, message, delivery, effect, letter, order] = await Promise.all([
    first("/api/clients", "clients"), first("/api/conversations", "conversations"),
    first("/api/messages", "messages"), first("/api/deliveries?outcomes=accepted", "deliveries"),
    first("/api/effects", "effects"), first("/api/dead-letters", "letters"), desk.done("GET", `/api/orders/${signing}`),
  ]);
  const [event] = await list(`/api/events?aggregate_id=${order.order_id}`, "events");
  const other = (await list("/api/orders", "orders")).find((one) => one.order_id !== order.order_id);
  const all = {
    ...(await furnish(desk, signing)),
    orders: { order: [signing, order.order_id, other.number, NOBODY] },
    clients: { id: [client.client_id, NOBODY] },
    conversations: { id: [talk.conversation_id, NOBODY] },
    messages: { id: [message.message_id, NOBODY] },
    deliveries: { id: [delivery.id, NOBODY] },
    events: { id: [event.id, NOBODY] },
    effects: { service: [effect.service, "ingress", "nobody"], id: [effect.id, NOBODY] },
    "dead-letters": { service: [letter.service, "nobody"], consumer: [letter.consumer, "nobody"], event_id: [letter.event_id, NOBODY] },
  };
  await complete(desk, all);
  return Object.entries(all);
}

/** Every path of the document that names something is known here, and what it is asked for with is there. */
async function complete({ ask, done }, all) {
  const { paths } = await done("GET", "/api/openapi.json");
  const named = Object.keys(paths).filter((path) => path.includes("{"));
  const strange = named.filter((path) => !all[path.split("/")[2]]);
  if (strange.length) throw new Error(`the fuzzer knows nothing to ask for at ${strange}`);
  for (const path of named.filter((path) => path.endsWith("}") && paths[path].get)) {
    const ids = all[path.split("/")[2]];
    const route = path.replaceAll(/[{](\w+)[}]/g, (_, name) => encodeURIComponent(ids[name][0]));
    const { status, body } = await ask("GET", route);
    if (status !== 200) throw new Error(`${route} is not there to be asked for: ${status} ${body}`);
  }
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
  const [, signing] = await Promise.all([["Ana Gómez", 1], ["Luis Peña", 2]].map((who) => new Person(stage, ...who).order()));
  await unreadable(stage);
  const key = await apiKey(stage.console, OPERATOR, stage.password);
  const headers = { authorization: `Bearer ${key}`, "puente-tenant": "algesta" };
  const config = path.join(folder, "schemathesis.toml");
  const standing = await readFile(path.join(import.meta.dirname, "schemathesis.toml"), "utf8");
  await writeFile(config, [standing, ...(await known(at(stage.console, headers), signing)).map(section)].join("\n"));
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
