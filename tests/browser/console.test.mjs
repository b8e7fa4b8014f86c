// The console in a real browser: what each page looks like at each width in each theme, and what one can do there.

import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { THEMES, WIDTHS, api, faults, launch, logIn, open } from "./browser.mjs";
import { PDF, PLATE, act, agree, equip, illegible, introduce, request } from "./desk.mjs";
import { Person, cut, raise, unreadable, until } from "./stage.mjs";

const ADMIN = "demo@algesta.example";
const VIEWER = { email: "consulta@algesta.example", name: "Consuelo Consulta", role: "viewer", language: "es" };

let stage, browser, admin, base, number, signing, byHand, parked, ids;

/** A new browser without memory, logged in. */
async function enter(options = {}, email = ADMIN, password = stage.password) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, locale: "es-CO", ...options });
  const page = await open(context);
  await logIn(page, base, email, password);
  await page.waitForURL((url) => url.pathname !== "/entrar");
  return { context, page };
}

const title = (page) => page.textContent("h1");

before(async () => {
  [stage, browser] = await Promise.all([raise(), launch()]);
  base = stage.console;
  const ana = new Person(stage, "Ana Torres", 1);
  const luis = new Person(stage, "Luis Peña", 2);
  const clara = new Person(stage, "Clara Díaz", 4);
  const jorge = new Person(stage, "Jorge Ríos", 5);
  [number, , signing, byHand] = await Promise.all([ana, luis, clara, jorge].map((one) => one.order()));
  await cut(stage);
  await new Person(stage, "Marta Ruiz", 3).say("Hola");
  await unreadable(stage);
  admin = await enter();
  const made = await api(admin.page, "POST", "/api/users", { ...VIEWER });
  assert.ok(made.status < 300, made.body);
  VIEWER.password = JSON.parse(made.body).password;
  ids = {};
  const ask = (...what) => api(admin.page, ...what);
  await introduce(ask);
  await Promise.all([signing, byHand].map((order) => agree(ask, order)));
  const sent = await ask("POST", `/api/orders/${byHand}/send-to-signature`, {});
  assert.equal(sent.status, 202, sent.body);
  ids.byHand = (await request(ask, byHand, (one) => one.step === "waiting")).request_id;
  ids.asset = await equip(admin.page, ask, base, signing);
  ids.illegible = await illegible(admin.page, ask, base);
  await until("a call in doubt", async () => {
    await admin.page.goto(`${base}/inciertos`);
    return (parked = await admin.page.locator("tbody a").first().getAttribute("href", { timeout: 500 }).catch(() => null));
  });
  await until("a dead letter", async () => {
    const operator = ids.operator ??= await enter({}, "operador@puente.example");
    await operator.page.goto(`${base}/cartas-muertas`);
    return (ids.letter = await operator.page.locator("tbody a").first().getAttribute("href", { timeout: 500 }).catch(() => null));
  });
  await admin.page.goto(`${base}/entregas`);
  ids.delivery = await admin.page.locator("tbody a").first().getAttribute("href");
  await admin.page.goto(`${base}/conversaciones`);
  ids.talk = await admin.page.locator("tbody a").first().getAttribute("href");
}, { timeout: 300_000 });

after(async () => {
  await browser?.close();
  await stage?.lower();
}, { timeout: 60_000 });

describe("pages", () => {
  const pages = {
    overview: () => "/",
    orders: () => "/pedidos",
    journey: () => `/pedidos/${number}`,
    "order to be signed": () => `/pedidos/${signing}`,
    signatures: () => "/firmas",
    signature: () => `/firmas/${ids.byHand}`,
    "before the manual way": () => `/firmas/${ids.byHand}/manual`,
    "before a void": () => `/firmas/${ids.byHand}/anular`,
    "plates to review": () => "/revision-ocr",
    "plate that nobody could read": () => `/revision-ocr/${ids.illegible}`,
    "plate that was read": () => `/revision-ocr/${ids.asset.capture}`,
    accuracy: () => "/revision-ocr/exactitud",
    assets: () => "/activos",
    "record sheet": () => `/activos/${ids.asset.number}`,
    "read a plate": () => `/activos/leer?pedido=${signing}`,
    "order with equipment": () => `/pedidos/${signing}`,
    directory: () => "/directorio",
    "service provider": () => "/directorio/frio-andino",
    "new person": () => "/directorio/nuevo",
    integrations: () => "/integraciones",
    authorise: () => "/conexiones/docusign/autorizar?connection=algesta-docusign",
    template: () => "/plantillas/contrato",
    conversations: () => "/conversaciones",
    conversation: () => ids.talk,
    deliveries: () => "/entregas",
    delivery: () => ids.delivery,
    "uncertain results": () => "/inciertos",
    "uncertain result": () => parked,
    "dead letters": () => "/cartas-muertas",
    replays: () => "/repeticiones",
    "new replay": () => "/repeticiones/nueva",
    "dry run": () => "/repeticiones/ensayo?desde=2026-01-01T00:00",
    health: () => "/salud",
    search: () => "/buscar?q=0000000",
    audit: () => "/auditoria",
    access: () => "/accesos",
    nowhere: () => "/no-existe",
  };
  const look = async (name, where, who) => {
    const shots = process.env.PUENTE_SCREENSHOTS;
    if (shots) await mkdir(shots, { recursive: true });
    const found = [];
    for (const theme of THEMES) {
      await who.page.emulateMedia({ colorScheme: theme });
      for (const width of WIDTHS) {
        await who.page.setViewportSize({ width, height: 900 });
        await who.page.goto(base + where);
        // That this one is not there is what the browser should say.
        if (name === "nowhere") who.page.troubles = who.page.troubles.filter((line) => !/404/.test(line));
        found.push(...(await faults(who.page)).map((what) => `${width} ${theme}: ${what}`));
        if (shots && width !== 320) await who.page.screenshot({ path: path.join(shots, `${name.replaceAll(" ", "-")}-${width}-${theme}.png`), fullPage: true });
      }
    }
    assert.deepEqual(found, []);
  };
  for (const [name, where] of Object.entries(pages)) {
    test(`${name}: no violation, overflow or complaint at any width in any theme`, async () => {
      const who = (admin.looking ??= await enter());
      await look(name, where(), who);
    });
  }
  test("dead letter, for who operates the installation: the same", () => look("dead letter", ids.letter, ids.operator));
  test("log-in: no violation, overflow or complaint at any width in any theme", async () => {
    const context = await browser.newContext();
    await look("log-in", "/entrar", { page: await open(context) });
    await context.close();
  });
});

describe("behaviour", () => {
  test("a wrong password opens nothing and says so; the right one leads to where one wanted to go", async () => {
    const context = await browser.newContext({ locale: "es-CO" });
    const page = await open(context);
    await page.goto(`${base}/pedidos`);
    assert.equal(new URL(page.url()).pathname, "/entrar");
    await page.fill("#email", ADMIN);
    await page.fill("#password", "no-es-esta-de-verdad");
    await page.click("button[type=submit]");
    assert.match(await page.textContent("[role=alert]"), /no coinciden/);
    await page.fill("#email", ADMIN);
    await page.fill("#password", stage.password);
    await page.click("button[type=submit]");
    await page.waitForURL(`${base}/pedidos`);
    await context.close();
  });

  test("a number in the search box opens the order in one step", async () => {
    await admin.page.goto(base);
    await admin.page.fill("#q", number.toLowerCase());
    await admin.page.press("#q", "Enter");
    await admin.page.waitForURL(`${base}/pedidos/${number}`);
  });

  test("a phone number leads to the order in two steps", async () => {
    const person = new Person(stage, "Sofía Rey", 9);
    const opened = await person.order();
    await admin.page.goto(base);
    await admin.page.fill("#q", person.contact.slice(-7));
    await admin.page.press("#q", "Enter");
    await admin.page.click(`a[href="/pedidos/${opened}"]`);
    await admin.page.waitForURL(`${base}/pedidos/${opened}`);
  });

  test("the journey shows each hop from the delivery to the receipt, and its trace leads to all of it", async () => {
    const read = await until("the receipt", async () => {
      await admin.page.goto(`${base}/pedidos/${number}`);
      const text = await admin.page.locator("#journey").evaluate((part) => part.textContent);
      return /El cliente lo leyó/.test(text) && text;
    });
    for (const hop of [/Entrega recibida y verificada/, /Evento MessageReceived/, /Hecho del pedido, versión 1/, /Mensaje en cola/, /Operación externa en WhatsApp Cloud/, /Llegó al teléfono/]) {
      assert.match(read, hop);
    }
    await admin.page.locator('#journey a[href^="/buscar?q="]').first().click();
    assert.ok(await admin.page.locator(`a[href="/pedidos/${number}"]`).count() > 0);
    assert.match(await admin.page.textContent("main"), /OrderOpened/);
  });

  test("a delivery shows its verification, what it led to, and its content masked until it is asked for", async () => {
    await admin.page.goto(`${base}${ids.delivery}`);
    const text = await admin.page.textContent("main");
    assert.match(text, /La firma coincide/);
    assert.doesNotMatch(await admin.page.textContent("pre"), /57300\d{7}/);
    await admin.page.fill("#why", "El cliente preguntó por su mensaje");
    await admin.page.click("form[action$='/mostrar'] button");
    assert.match(await admin.page.textContent("pre"), /\d{7}/);
    await admin.page.goto(`${base}/auditoria`);
    assert.match(await admin.page.textContent("main"), /delivery\.revealed/);
  });

  test("a phone number is shown when asked for, for one answer, and that is written down", async () => {
    await admin.page.goto(`${base}/pedidos/${number}`);
    assert.doesNotMatch(await admin.page.textContent("#journey"), /57300\d{7}/);
    await admin.page.click("form[action$='/mostrar'] button");
    assert.match(await admin.page.textContent("#journey"), /57300\d{7}/);
    await admin.page.goto(`${base}/auditoria`);
    assert.match(await admin.page.textContent("main"), /client\.revealed/);
  });

  test("an order is moved with its consequence said, and a step that the table forbids is refused in words", async () => {
    await admin.page.goto(`${base}/pedidos/${number}`);
    assert.match(await admin.page.textContent("main"), /el cliente recibe 1 aviso/);
    await admin.page.selectOption("#step", "start_quotation");
    await admin.page.click("form[action$='/mover'] button");
    await admin.page.waitForURL(/hecho=1/);
    assert.match(await admin.page.textContent("#order"), /En cotización/);
    await admin.page.evaluate(() => { document.querySelector("#step").innerHTML = "<option value=reopen>x</option>"; });
    await admin.page.click("form[action$='/mover'] button");
    assert.match(await title(admin.page), /no se hizo/);
    admin.page.troubles = [];
  });

  test("what happens elsewhere arrives without a reload, and what is being typed stays", async () => {
    const { context, page } = await enter();
    await page.goto(`${base}/pedidos/${number}`);
    await page.fill("#agent", "a medio escribir");
    const move = await enter();
    await move.page.goto(`${base}/pedidos/${number}`);
    await move.page.selectOption("#step", "send_quotation");
    await move.page.click("form[action$='/mover'] button");
    await page.locator("#order .pill", { hasText: "Cotización enviada" }).waitFor();
    assert.equal(await page.inputValue("#agent"), "a medio escribir");
    assert.match(await page.textContent(".live"), /En vivo/);
    await Promise.all([context.close(), move.context.close()]);
  });

  test("a page on which nothing changes hears that the stream lives", async () => {
    const { context, page } = await enter();
    await page.goto(`${base}/salud`);
    // Beats follow each other every two seconds; the page says "sin conexión" after ten without one. The topic has no
    // part, so that nothing of it changes, not even an age.
    await page.evaluate(
      () =>
        new Promise((done) => {
          const stream = new EventSource("/vivo?temas=nothing");
          let beats = 0;
          stream.addEventListener("beat", () => {
            beats += 1;
            if (beats === 2) {
              stream.close();
              done();
            }
          });
        }),
    );
    await context.close();
  });

  test("a contract is sent from its order, and each signature shows without a reload until the order has its policy", async () => {
    const { context, page } = await enter();
    const ask = (...what) => api(page, ...what);
    await page.goto(`${base}/pedidos/${signing}`);
    assert.match(await page.textContent("#signature"), /3 personas reciben un correo/);
    await page.click("form[action$='/firmar'] button");
    await page.waitForURL(/hecho=1/);
    assert.match(await page.textContent("#order"), /En firma/);
    const { envelope_id: envelope, request_id: id } = await request(ask, signing, (one) => one.step === "waiting");
    const watch = await enter();
    await watch.page.goto(`${base}/firmas/${id}`);
    const pills = watch.page.locator("#signers .pill");
    for (const [n, missing] of [[1, "Faltan 2 de 3 firmas"], [2, "Falta 1 de 3 firmas"], [3, "Todos firmaron"]]) {
      await act(stage, envelope, n, "open");
      await act(stage, envelope, n, "sign");
      await pills.nth(n - 1).filter({ hasText: "Firmó" }).waitFor();
      await watch.page.locator("h1", { hasText: missing }).waitFor();
    }
    await watch.page.locator("#verdict .pill.good", { hasText: "Firmado" }).waitFor();
    await page.locator("#order .pill", { hasText: "Póliza asignada" }).waitFor();
    await page.locator("#documents a", { hasText: /\.pdf/ }).first().waitFor();
    const saved = page.waitForEvent("download");
    await page.locator("#documents tr", { hasText: "Contrato firmado" }).locator("a").click();
    const file = await (await saved).createReadStream();
    const head = await new Promise((done) => file.once("data", done));
    assert.equal(String(head.subarray(0, 5)), "%PDF-");
    await admin.page.goto(`${base}/auditoria`);
    assert.match(await admin.page.textContent("main"), /document\.linked/);
    assert.match(await admin.page.textContent("main"), /document\.downloaded/);
    await Promise.all([context.close(), watch.context.close()]);
  });

  test("before the quotation is approved a contract is not sent, and the page says why", async () => {
    const early = await new Person(stage, "Rosa Gil", 6).order();
    await admin.page.goto(`${base}/pedidos/${early}`);
    assert.match(await admin.page.textContent("#signature"), /debe aprobar la cotización/);
    await admin.page.click("form[action$='/firmar'] button");
    assert.match(await title(admin.page), /no se hizo/);
    assert.match(await admin.page.textContent("main"), /debe aprobar la cotización/);
    admin.page.troubles = [];
  });

  test("by hand: a page says what it means, the scan is judged by its content, and the order gets as far", async () => {
    const { context, page } = await enter({ javaScriptEnabled: false });
    await page.goto(`${base}/firmas/${ids.byHand}`);
    await page.click("a[href$='/manual']");
    assert.match(await page.textContent("main"), /Qué no se puede deshacer/);
    await page.click("form[action$='/manual'] button");
    await page.waitForURL(/hecho=1/);
    assert.match(await title(page), /Falta el escaneo/);
    const upload = async (name, buffer) => {
      await page.setInputFiles("#scan", { name, mimeType: "application/pdf", buffer });
      await page.click("form[action$='/escaneo'] button");
    };
    await upload("contrato.pdf", Buffer.from("<html>no soy un PDF</html>"));
    assert.match(await title(page), /no es de un tipo que se guarde/);
    await page.goto(`${base}/firmas/${ids.byHand}`);
    await upload("escaneo.pdf", PDF);
    await page.waitForURL(/hecho=1/);
    await until("the policy", async () => {
      await page.goto(`${base}/pedidos/${byHand}`);
      return /Póliza asignada/.test(await page.textContent("#order"));
    });
    await page.goto(`${base}/firmas/${ids.byHand}`);
    assert.match(await title(page), /Firmado a mano/);
    await context.close();
  });

  test("papers of a service provider are brought with their end, and warn before it", async () => {
    const soon = new Date(Date.now() + 12 * 86_400_000 - 5 * 3_600_000).toISOString().slice(0, 10);
    await admin.page.goto(`${base}/directorio/frio-andino`);
    await admin.page.click("details.bring summary");
    await admin.page.selectOption("#doc-kind", "arl");
    await admin.page.fill("#doc-expires", soon);
    await admin.page.setInputFiles("#doc-file", { name: "arl.pdf", mimeType: "application/pdf", buffer: PDF });
    await admin.page.click("form[action$='/documentos'] button");
    await admin.page.waitForURL(/hecho=1/);
    assert.match(await admin.page.textContent("main"), /Vence en 12 días/);
    await admin.page.goto(`${base}/directorio`);
    assert.match(await title(admin.page), /vence pronto/);
  });

  test("an administrator authorises the account of a provider again, and comes back to where it is said", async () => {
    const { context, page } = await enter();
    await page.goto(`${base}/integraciones`);
    await page.click("tbody a[href*='/autorizar']");
    await page.click("form[action$='/autorizar'] button");
    await page.click("#go");
    await page.waitForURL(/integraciones\?hecho=1/);
    assert.match(await page.textContent("main"), /La cuenta quedó autorizada/);
    assert.match(await page.textContent("tbody"), /Autorizada/);
    await context.close();
  });

  test("a photograph from a phone leads to its serial, and that to the record sheet with its PDF", async () => {
    const { context, page } = await enter({ javaScriptEnabled: false, viewport: { width: 390, height: 800 } });
    await page.goto(`${base}/activos/leer?pedido=${number}`);
    assert.equal(await page.getAttribute("#photo", "capture"), "environment");
    await page.setInputFiles("#file", PLATE.file);
    await page.click("form[action='/activos/leer'] button");
    await page.waitForURL(/revision-ocr\/[0-9a-f-]{36}/);
    await until("the serial", async () => {
      await page.reload();
      return new RegExp(PLATE.serial).test(await title(page));
    });
    await until("the sheet", async () => {
      await page.reload();
      return page.locator("#reading a[href^='/activos/']").count();
    });
    await page.click("#reading a[href^='/activos/']");
    assert.match(await title(page), new RegExp(`HV-\\d+: ${PLATE.serial}`));
    const saved = page.waitForEvent("download");
    await page.locator("a", { hasText: "Hoja de vida en PDF" }).click();
    const file = await (await saved).createReadStream();
    const head = await new Promise((done) => file.once("data", done));
    assert.equal(String(head.subarray(0, 5)), "%PDF-");
    const { naturalWidth } = await page.locator("#photos img").first().evaluate(({ naturalWidth, complete }) => ({ naturalWidth, complete }));
    assert.ok(naturalWidth > 0, "the photograph is shown");
    await context.close();
  });

  test("what is known of equipment is changed on its page, and shows elsewhere without a reload", async () => {
    const { context, page } = await enter();
    await page.goto(`${base}/activos/${ids.asset.number}`);
    const watch = await enter();
    await watch.page.goto(`${base}/activos/${ids.asset.number}`);
    await page.locator("details.bring summary").first().click();
    await page.fill("#d-location", "Sede Norte, piso 2");
    await page.click("details.bring form button");
    await page.waitForURL(/hecho=1/);
    await watch.page.locator("#data dd", { hasText: "Sede Norte, piso 2" }).waitFor();
    assert.match(await watch.page.textContent("#history"), /Cambiaron sus datos/);
    await Promise.all([context.close(), watch.context.close()]);
  });

  test("an illegible plate is read by a person: the photograph turned and nearer, the serial by keyboard alone", async () => {
    const { context, page } = await enter();
    await page.goto(`${base}/revision-ocr`);
    assert.match(await title(page), /espera/);
    assert.match(await page.textContent("#count-reviews"), /^\s*[1-9]/);
    await page.goto(`${base}/revision-ocr/${ids.illegible}`);
    assert.equal(await page.evaluate(() => document.activeElement.id), "serial");
    await page.click("[data-lens=nearer]");
    await page.click("[data-lens=turn]");
    assert.deepEqual(await page.locator(".lens").evaluate(({ dataset: { zoom, turn } }) => [zoom, turn]), ["1", "1"]);
    await page.focus("#serial");
    await page.keyboard.type("sin cifra");
    await page.keyboard.press("Enter");
    await page.waitForURL(/falta=serial/);
    assert.match(await page.textContent("[role=alert]"), /no puede ser un serial/);
    await page.keyboard.type("qr-778812");
    await page.keyboard.press("Enter");
    await page.waitForURL(/hecho=1/);
    await page.goto(`${base}/revision-ocr/${ids.illegible}`);
    assert.match(await title(page), /Serial escrito a mano: QR-778812/);
    await page.locator("#reading a[href^='/activos/']").waitFor();
    await page.fill("#q", "qr-778812");
    await page.press("#q", "Enter");
    await page.click("main a[href^='/activos/']");
    assert.match(await title(page), /QR-778812/);
    await admin.page.goto(`${base}/auditoria`);
    assert.match(await admin.page.textContent("main"), /capture\.serial_written/);
    assert.match(await admin.page.textContent("main"), /document\.shown/);
    await context.close();
  });

  test("a call in doubt asks for one of three and a reason, and is closed with them", async () => {
    await admin.page.goto(`${base}${parked}`);
    assert.match(await title(admin.page), /No sabemos si esto llegó/);
    await admin.page.check("input[value=close]");
    await admin.page.fill("#why", "El cliente ya no lo necesita");
    await admin.page.click("form[action$='/decidir'] button");
    await admin.page.waitForURL(/hecho=1/);
    assert.match(await admin.page.textContent(".title"), /Cerrada/);
    await admin.page.goto(`${base}/auditoria`);
    assert.match(await admin.page.textContent("main"), /effect\.resolved/);
  });

  test("what a client wrote is masked until somebody asks for it with a reason, which is in the audit trail", async () => {
    const { page } = admin;
    await page.goto(`${base}${ids.talk}`);
    await page.locator("#talk mark").first().waitFor();
    assert.doesNotMatch(await page.textContent("main"), /Hola/);
    await page.fill("#why", "El cliente reclama por lo que se acordó");
    await page.click("form[action$='/mostrar'] button");
    await page.locator("[role=status]", { hasText: "quedó en la auditoría" }).waitFor();
    assert.match(await page.textContent("#talk"), /Hola/);
    assert.deepEqual(await faults(page), []);
    await page.goto(`${base}${ids.talk}`);
    assert.doesNotMatch(await page.textContent("main"), /Hola/);
    await page.goto(`${base}/auditoria`);
    assert.match(await page.textContent("main"), /conversation\.revealed/);
  });

  test("a dead letter fails again when it is retried, is closed with a reason, and waits no longer", async () => {
    const { page } = ids.operator;
    await page.setViewportSize({ width: 1280, height: 900 });
    await page.goto(`${base}${ids.letter}`);
    await page.click("form[action$='/repetir'] button");
    await page.waitForURL(/otra=1/);
    assert.match(await page.textContent("[role=alert]"), /Falló otra vez/);
    await page.fill("#why", "Un evento de prueba que nadie puede leer");
    await page.click("form[action$='/cerrar'] button");
    await page.waitForURL(/hecho=1/);
    assert.match(await page.textContent(".title"), /Cerrado/);
  });

  test("a replay is counted and rehearsed before it runs, and shows that it is done", async () => {
    await admin.page.goto(`${base}/repeticiones`);
    await admin.page.click("a.primary");
    await admin.page.click("form.panel button");
    await admin.page.waitForURL(/ensayo/);
    assert.match(await title(admin.page), /entregas se repetirían/);
    await admin.page.fill("#why", "Prueba de repetición");
    await admin.page.click("form[action='/repeticiones'] button");
    await admin.page.waitForURL(/repeticiones\/[0-9a-f-]{36}/);
    await admin.page.locator("h1", { hasText: "Repetición terminada" }).waitFor();
  });

  test("without script pages, filters and forms work", async () => {
    const { context, page } = await enter({ javaScriptEnabled: false });
    await page.goto(`${base}/entregas`);
    await page.selectOption("#f-provider", "whatsapp_cloud");
    await page.click(".filters button");
    assert.match(page.url(), /servicio=whatsapp_cloud/);
    await page.click("tbody a");
    assert.match(await title(page), /Entrega de WhatsApp Cloud/);
    await page.goto(`${base}/pedidos/${number}`);
    await page.fill("#agent", "laura.mejia");
    await page.click("form[action$='/asignar'] button");
    await page.waitForURL(/hecho=1/);
    assert.match(await page.textContent("#journey"), /laura\.mejia/);
    await context.close();
  });

  test("the keyboard reaches what matters: skip link first, everything with a ring, the menu closes by Escape", async () => {
    for (const where of ["/", "/pedidos", `/pedidos/${number}`, "/inciertos"]) {
      await admin.page.goto(base + where);
      await admin.page.keyboard.press("Tab");
      assert.equal(await admin.page.evaluate(() => document.activeElement.className), "skip");
      const seen = new Set();
      for (let stop = 0; stop < 60; stop += 1) {
        await admin.page.keyboard.press("Tab");
        const at = await admin.page.evaluate(() => {
          const one = document.activeElement;
          const box = one.getBoundingClientRect();
          const look = getComputedStyle(one);
          return one === document.body ? null : { what: one.outerHTML.slice(0, 140), ring: look.outlineStyle !== "none" && parseFloat(look.outlineWidth) >= 2, there: box.width > 0 && box.height > 0 };
        });
        if (!at) break;
        assert.ok(at.ring && at.there, `${where}: no ring on ${at.what}`);
        seen.add(at.what);
      }
      assert.ok(seen.size > 8, `${where}: only ${seen.size} stops`);
    }
    await admin.page.goto(base);
    await admin.page.focus(".me summary");
    await admin.page.keyboard.press("Enter");
    await admin.page.locator(".me[open]").waitFor();
    await admin.page.keyboard.press("Escape");
    assert.equal(await admin.page.locator(".me[open]").count(), 0);
    await admin.page.keyboard.press("/");
    assert.equal(await admin.page.evaluate(() => document.activeElement.id), "q");
  });

  test("at phone width the navigation opens as a popover, without script too", async () => {
    const { context, page } = await enter({ javaScriptEnabled: false, viewport: { width: 390, height: 800 } });
    assert.equal(await page.isVisible("#nav"), false);
    await page.click(".menu");
    await page.click("#nav a[href='/salud']");
    await page.waitForURL(`${base}/salud`);
    await context.close();
  });

  test("the language changes by one link and stays", async () => {
    const { context, page } = await enter();
    await page.click(".me summary");
    await page.click(".me a[lang=en]");
    assert.equal(await page.getAttribute("html", "lang"), "en");
    await page.goto(`${base}/pedidos`);
    assert.match(await title(page), /open orders/);
    await context.close();
  });

  test("who only looks on sees no places and no buttons that are not theirs, and cannot go there by address", async () => {
    const { context, page } = await enter({}, VIEWER.email, VIEWER.password);
    assert.equal(await page.locator("#nav a[href='/accesos']").count(), 0);
    await page.goto(`${base}/pedidos/${number}`);
    assert.equal(await page.locator("main form").count(), 0);
    assert.doesNotMatch(await page.content(), /57300\d{7}|Ana Torres|Se dañó el aire/);
    await page.goto(`${base}/firmas/${ids.byHand}`);
    assert.equal(await page.locator("main form").count(), 0);
    assert.doesNotMatch(await page.content(), /Jorge Ríos|laura\.mejia@|contratos@/);
    await page.goto(`${base}/activos/${ids.asset.number}`);
    assert.equal(await page.locator("main form, main img").count(), 0);
    for (const where of ["/accesos", "/revision-ocr", "/activos/leer", "/repeticiones/nueva", "/directorio/nuevo", `/firmas/${ids.byHand}/anular`]) {
      assert.equal((await page.goto(base + where)).status(), 404, where);
      assert.match(await title(page), /no hay nada/);
    }
    const csrf = await page.getAttribute("input[name=csrf]", "value");
    const answer = await page.request.post(`${base}/pedidos/${number}/mover`, { form: { csrf, step: "cancel", reason: "no debo" } });
    assert.equal(answer.status(), 403);
    await context.close();
  });

  test("a form without the right token changes nothing", async () => {
    const answer = await admin.page.request.post(`${base}/pedidos/${number}/mover`, { form: { csrf: "otro", step: "cancel", reason: "no debe" } });
    assert.equal(answer.status(), 403);
    await admin.page.goto(`${base}/pedidos/${number}`);
    assert.doesNotMatch(await admin.page.textContent("#order"), /Cancelada/);
  });

  test("log-out ends the session and its live stream", async () => {
    const { context, page } = await enter();
    await page.click(".me summary");
    await page.click("form[action='/salir'] button");
    await page.waitForURL(`${base}/entrar`);
    await page.goto(`${base}/pedidos`);
    assert.equal(new URL(page.url()).pathname, "/entrar");
    await context.close();
  });
});
