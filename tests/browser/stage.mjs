// The fleet with simulated providers, in a folder of its own, and the people who write to it.

import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, symlink } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";

const ROOT = path.resolve(import.meta.dirname, "../..");
const PROGRAM = process.env.PUENTE_PROGRAM ?? path.join(ROOT, "target/debug/puente");
/** What a busy machine needs at most for something that usually takes a second. */
export const PATIENCE = 90_000;

/** What asking again does not mend. */
class Wrong extends Error {}

/** Asks again until `look` gives something; says what was missing when it never does. */
export async function until(what, look, patience = PATIENCE) {
  const end = Date.now() + patience;
  let last;
  for (;;) {
    try {
      const found = await look();
      if (found) return found;
      last = found;
    } catch (error) {
      if (error instanceof Wrong) throw error;
      last = error;
    }
    if (Date.now() > end) throw new Error(`${what}: not within ${patience} ms; last: ${last}`);
    await new Promise((go) => setTimeout(go, 60));
  }
}

/** Starts `puente up --simulate`; servers come from the repository's .puente/ or from PUENTE_PG_BIN and PUENTE_NATS_BIN. */
export async function raise() {
  const folder = await mkdtemp(path.join(tmpdir(), "puente-browser-"));
  const tools = path.join(ROOT, ".puente/tools");
  if (existsSync(tools)) await symlink(tools, path.join(folder, "tools"));
  const env = { ...process.env, PUENTE_GATEWAY__LISTEN: "127.0.0.1:0" };
  for (const name of ["DATABASE_URL", "NATS_URL"]) delete env[name];
  const child = spawn(PROGRAM, ["up", "--simulate", "--listen", "127.0.0.1:0", "--dir", folder], { cwd: ROOT, env });
  let said = "";
  child.stdout.on("data", (text) => { said += text; });
  child.stderr.on("data", (text) => { said += text; });
  const ended = new Promise((go) => child.on("exit", go));
  const state = await until("the fleet runs", async () => {
    if (child.exitCode !== null) throw new Error(`puente up ended:\n${said}`);
    const state = JSON.parse(await readFile(path.join(folder, "state.json"), "utf8"));
    return state.endpoints.console && state;
  });
  const password = (await readFile(path.join(folder, "console.password"), "utf8")).trim();
  return {
    console: state.endpoints.console,
    simulators: state.endpoints.simulators,
    state,
    password,
    async lower() {
      child.kill("SIGTERM");
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export async function call(url, body, method = "POST") {
  const answer = await fetch(url, { method, headers: { "content-type": "application/json" }, body: body && JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${method} ${url}: ${answer.status} ${await answer.text()}`);
  return answer.json();
}

/** What a person answers to a text of the bot; the first line that fits. */
const ANSWERS = [
  [/nombre completo|su nombre con letras/, (person) => `Me llamo ${person.name}`],
  [/correo electrónico|Ese correo/, (person) => person.email],
  [/número de celular|Ese número/, (person) => person.contact],
  [/es correcto|Responda \*sí\*/, () => "Sí"],
  [/cuál es su dirección|En qué dirección|la dirección con un poco/i, () => "Calle 100 # 8A-55, Bogotá"],
  [/Qué servicio|Elija una/, () => "Reparación"],
  [/Cuéntenos qué|más detalle para/, (person) => person.wish],
  [/Su registro quedó listo|ya está en nuestros registros/, (person) => person.wish],
  [/Soy el asistente|Puedo ayudarle con/, () => "Quiero registrarme"],
];

export class Person {
  constructor(stage, name, n) {
    this.of = `${stage.simulators}/whatsapp_cloud/_control`;
    this.name = name;
    this.contact = `57300${String(1000000 + Math.floor(Math.random() * 8000000) + n).slice(0, 7)}`;
    this.email = `cliente${n}@example.com`;
    this.wish = "Se dañó el aire acondicionado de la sala de ventas y no enfría";
  }

  /** As a provider delivers: the same message again while the answer is 503; any other answer than 200 is a fault. */
  async say(text) {
    const message = { id: `wamid.${crypto.randomUUID()}`, account: "106540352242922", from: this.contact, name: this.name, text };
    await until(`"${text}" to be taken`, async () => {
      const { status } = await call(`${this.of}/inbound`, message);
      if (status !== 200 && status !== 503) throw new Wrong(`the webhook was answered with ${status}`);
      return status === 200;
    });
  }

  async heard() {
    const { entries } = await call(`${this.of}/journal`, undefined, "GET");
    return entries.filter((entry) => entry.recipient.replace("+", "") === this.contact);
  }

  /** Talks to the bot until an order is confirmed; its number. */
  async order() {
    await this.say("Hola, buenos días");
    for (let turn = 0; turn < 20; turn += 1) {
      const entry = await until(`answer ${turn + 1} to ${this.name}`, async () => (await this.heard())[turn]);
      const number = /Su número de orden es \*(OT-\d+)\*/.exec(entry.text);
      if (number) return number[1];
      const [, answer] = ANSWERS.find(([question]) => question.test(entry.text)) ?? [];
      if (!answer) throw new Error(`nobody knows what to answer to: ${entry.text}`);
      await this.say(answer(this));
    }
    throw new Error("the talk goes in circles");
  }
}

/** The next call of the provider is cut after it was sent: nobody knows whether it had its effect. */
export const cut = (stage) => call(`${stage.simulators}/whatsapp_cloud/_control/faults`, { kind: "cut_before", count: 1 });

/** An event that no service can read, put straight into the stream: it becomes a dead letter. */
export async function unreadable(stage) {
  const url = new URL(stage.state.nats_url ?? stage.state.endpoints.nats ?? `nats://127.0.0.1:${stage.state.servers.nats.port}`);
  const id = crypto.randomUUID();
  const payload = Buffer.from([0xff, 0xff, 0xff]);
  const headers = [
    "NATS/1.0", `ce-id: ${id}`, "ce-type: puente.messaging.v1.MessageReceived", "ce-source: ingress", "ce-subject: test",
    `ce-time: ${new Date().toISOString()}`, "ce-specversion: 1.0", "content-type: application/protobuf", "puente-tenant: algesta", "", "",
  ].join("\r\n");
  const options = { verbose: false, headers: true, ...(url.username && { user: decodeURIComponent(url.username), pass: decodeURIComponent(url.password) }) };
  const subject = "puente.v1.algesta.messaging.message.received";
  await new Promise((done, fail) => {
    const socket = connect(Number(url.port), url.hostname);
    socket.on("error", fail);
    socket.on("data", (text) => {
      if (String(text).includes("-ERR")) fail(new Error(String(text)));
      if (String(text).includes("PONG")) { socket.end(); done(); }
    });
    socket.write(`CONNECT ${JSON.stringify(options)}\r\n`);
    socket.write(`HPUB ${subject} ${headers.length} ${headers.length + payload.length}\r\n${headers}`);
    socket.write(payload);
    socket.write("\r\nPING\r\n");
  });
  return id;
}
