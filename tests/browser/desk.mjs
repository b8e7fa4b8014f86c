// What an agent does with an order until its contract is out, and what signers and the signature provider do.

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
