// Takes the pictures of docs/images anew: `node pictures.mjs`, after `cargo build` and `npm ci`.

import path from "node:path";
import { api, launch, logIn, open } from "./browser.mjs";
import { agree, introduce } from "./desk.mjs";
import { Person, cut, raise, unreadable, until } from "./stage.mjs";

const FOLDER = path.resolve(import.meta.dirname, "../../docs/images");
const NAMES = ["Ana Torres", "Luis Peña", "Camila Rojas", "Jorge Díaz", "Sofía Rey", "Pedro Gil"];

const [stage, browser] = await Promise.all([raise(), launch()]);
try {
  const numbers = await Promise.all(NAMES.map((name, n) => new Person(stage, name, n).order()));
  await cut(stage);
  await new Person(stage, "Marta Ruiz", 9).say("Hola");
  await unreadable(stage);
  const page = await open(await browser.newContext({ viewport: { width: 1280, height: 860 }, locale: "es-CO" }));
  await logIn(page, stage.console, "demo@algesta.example", stage.password);
  const order = `${stage.console}/pedidos/${numbers[0]}`;
  const ask = (...what) => api(page, ...what);
  await page.goto(order);
  await introduce(ask);
  await agree(ask, numbers[0]);
  await page.goto(order);
  await page.click("form[action$='/firmar'] button");
  await page.waitForURL(/hecho=1/);
  await until("all receipts", async () => {
    await page.goto(order);
    return !(await page.locator("#journey p.title .pill", { hasText: /Enviado|En cola/ }).count());
  });
  await page.locator("#journey summary").first().click();
  await page.setViewportSize({ width: 1280, height: 1250 });
  await page.screenshot({ path: path.join(FOLDER, "console-order.png") });
  await page.setViewportSize({ width: 1280, height: 1060 });
  await until("the matter in doubt", async () => {
    await page.goto(stage.console);
    return /incierto/.test(await page.textContent("#work"));
  });
  await page.locator(".live[data-on=yes]").waitFor();
  await page.screenshot({ path: path.join(FOLDER, "console-overview.png") });
} finally {
  await browser.close();
  await stage.lower();
}
