// What an agent does with an order until its contract is out, and what signers and the signature provider do.

import { readFile } from "node:fs/promises";
import path from "node:path";
import { crc32, deflateSync } from "node:zlib";
import { call, until } from "./stage.mjs";

const PEOPLE = {
  "laura.mejia": { kind: "agent", name: "Laura Mejía", email: "laura.mejia@algesta.example", phone: "+573011234567" },
  "frio-andino": { kind: "service_provider", name: "Frío Andino S.A.S.", tax_id: "900123456-8", email: "contratos@frioandino.example", phone: "+573021234567", address: "Carrera 15 # 93-75, Bogotá" },
};

/** The least that is a PDF: what a scanner sends is larger, and no truer. */
export const PDF = Buffer.from("%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj\nxref\n0 1\ntrailer\n<< /Root 1 0 R >>\nstartxref\n45\n%%EOF\n");

const good = ({ status, body }) => {
  if (status >= 300) throw new Error(`${status}: ${body}`);
  return JSON.parse(body);
};

/** Makes agent and service provider known; `ask(method, path, body)` is the interface for programs. */
export async function introduce(ask) {
  for (const [id, person] of Object.entries(PEOPLE)) good(await ask("PUT", `/api/directory/${id}`, person));
}

/** Assigns and quotes an order, and notes that the client agreed. */
export async function agree(ask, number) {
  good(await ask("POST", `/api/orders/${number}/assignment`, { agent: "laura.mejia", service_provider: "frio-andino" }));
  for (const step of [
    { transition: "start_quotation" },
    { transition: "send_quotation", quotation: { amount_minor: 128_400_000, currency: "COP", note: "Carga de gas y capacitor", valid_until: "2099-12-31" } },
    { transition: "approve_quotation" },
  ]) good(await ask("POST", `/api/orders/${number}/transitions`, step));
}

/** The signature request of an order, once `fits` says so. */
export const request = (ask, number, fits = () => true) => until(`the signature of ${number}`, async () => {
  const { status, body } = await ask("GET", `/api/orders/${number}/signature-status`);
  const one = status === 200 && JSON.parse(body);
  return one && fits(one) && one;
});

/** A signer acts at the provider: `open`, `sign` or `decline`. */
export const act = (stage, envelope, signer, does, reason) =>
  call(`${stage.simulators}/docusign/_control/envelopes/${envelope}/signers/${signer}`, { does, ...(reason && { reason }) });

/** Every consent and token at the provider is gone. */
export const revoke = (stage) => call(`${stage.simulators}/docusign/_control/grants/revoke`, {});

/** A photograph of a plate, and what stands on it: the one of the demo. */
export const PLATE = { serial: "C2MNF9YS", file: path.resolve(import.meta.dirname, "../../apps/puente/demo/plate.jpg") };

/** A photograph of nothing: grey, as through a pocket; `shade` makes it another one. */
export function nothing(shade = 40) {
  const [width, height] = [640, 480];
  const part = (name, data) => {
    const body = Buffer.concat([Buffer.from(name), data]);
    const [size, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
    size.writeUInt32BE(data.length);
    sum.writeUInt32BE(crc32(body));
    return Buffer.concat([size, body, sum]);
  };
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 0, 0, 0, 0], 8);
  const rows = Buffer.alloc((width + 1) * height, shade);
  for (let row = 0; row < height; row += 1) rows[row * (width + 1)] = 0;
  const magic = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([magic, part("IHDR", head), part("IDAT", deflateSync(rows)), part("IEND", Buffer.alloc(0))]);
}

/** Has a photograph read by the interface for programs, as the person of a page. */
export async function recognise(page, base, photo, texts = {}) {
  const csrf = await page.getAttribute("input[name=csrf]", "value");
  const answer = await page.request.post(`${base}/api/assets/recognize-serial`, {
    headers: { "x-csrf-token": csrf, "idempotency-key": crypto.randomUUID() },
    multipart: { photo, ...texts },
    timeout: 60_000,
  });
  return good({ status: answer.status(), body: await answer.text() });
}

/** A capture once nothing more is read. */
export const settled = (ask, id) => until(`the reading of ${id}`, async () => {
  const { capture } = good(await ask("GET", `/api/captures/${id}`));
  return capture.state !== "Leyendo" && capture;
});

/** A plate of which no photograph says anything: it waits for a person. */
export async function illegible(page, ask, base) {
  let id = "";
  for (const shade of [40, 41, 42]) {
    const photo = { name: "placa.png", mimeType: "image/png", buffer: nothing(shade) };
    id = (await recognise(page, base, photo, id && { capture_id: id })).capture_id;
    await settled(ask, id);
  }
  return id;
}

/** The demo's plate, read as equipment of an order; its asset once it has its sheet. */
export async function equip(page, ask, base, number) {
  const photo = { name: "placa.jpg", mimeType: "image/jpeg", buffer: await readFile(PLATE.file) };
  const { capture_id: id } = await recognise(page, base, photo, { order_id: number });
  const { state, serial } = await settled(ask, id);
  if (state === "PorConfirmar") good(await ask("POST", `/api/captures/${id}/confirm`, {}));
  const asset = await until(`the sheet of ${serial}`, async () => {
    const { assets: [asset] } = good(await ask("GET", `/api/assets?search=${serial}`));
    return asset?.sheet_document_id && asset;
  });
  return { ...asset, capture: id };
}
