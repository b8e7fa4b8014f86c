// Chromium as installed, and what is held against every page.

import { readFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import path from "node:path";
import { chromium } from "playwright-core";
import { PATIENCE } from "./stage.mjs";

const PLACES = [process.env.CHROME_BIN, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const axe = await readFile(path.join(import.meta.dirname, "node_modules/axe-core/axe.min.js"), "utf8");

export const WIDTHS = [320, 390, 1280];
export const THEMES = ["light", "dark"];

export async function launch() {
  const executablePath = PLACES.find((place) => place && existsSync(place));
  if (!executablePath) throw new Error("no Chromium: install the package `chromium`, or name one by CHROME_BIN");
  return chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
}

/** A page that remembers what went wrong in it. */
export async function open(context) {
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);
  page.troubles = [];
  page.on("console", (line) => { if (line.type() === "error") page.troubles.push(line.text()); });
  page.on("pageerror", (error) => page.troubles.push(String(error)));
  return page;
}

export async function logIn(page, base, email, password) {
  await page.goto(`${base}/entrar`);
  await page.fill("#email", email);
  await page.fill("#password", password);
  await page.click("button[type=submit]");
}

/** What the interface for programs answers to the person of a page. */
export function api(page, method, where, body) {
  return page.evaluate(async ([method, where, body]) => {
    const csrf = document.querySelector("input[name=csrf]").value;
    const headers = { "content-type": "application/json", "x-csrf-token": csrf, "idempotency-key": crypto.randomUUID() };
    const answer = await fetch(where, { method, headers, body: body && JSON.stringify(body) });
    return { status: answer.status, body: await answer.text() };
  }, [method, where, body]);
}

/** Everything that is wrong with what a page looks like now. */
export async function faults(page) {
  const found = await page.evaluate(() => {
    const wide = document.documentElement.clientWidth;
    const inner = (one) => one.closest(".views, pre, .scroll, details:not([open]) > :not(summary), [popover]:not(:popover-open), .hidden, .skip, .shell thead");
    const beyond = [...document.querySelectorAll("body *")]
      .filter((one) => { const box = one.getBoundingClientRect(); return box.width > 1 && box.right > wide + 1 && !inner(one); })
      .slice(0, 3).map((one) => one.outerHTML.slice(0, 120));
    const small = [...document.querySelectorAll("button, .button, select, input:not([type=hidden])")]
      .filter((one) => { const box = one.getBoundingClientRect(); return box.width > 1 && box.height > 0 && box.height < 18; })
      .slice(0, 3).map((one) => one.outerHTML.slice(0, 120));
    return {
      overflow: document.documentElement.scrollWidth > wide ? [`${document.documentElement.scrollWidth} > ${wide}`, ...beyond] : beyond,
      small,
      heads: document.querySelectorAll("h1").length,
      inline: document.querySelectorAll("[style], script:not([src])").length,
    };
  });
  // The script is put in by the debugger, which the page's own policy does not bind.
  await page.evaluate(axe);
  const violations = await page.evaluate(async () => {
    const found = await window.axe.run(document, { resultTypes: ["violations"] });
    return found.violations.map((one) => `${one.id}: ${one.nodes.slice(0, 3).map((node) => `${node.target} ${node.failureSummary ?? ""}`).join(" | ")}`.slice(0, 600));
  });
  return [
    ...violations,
    ...found.overflow.map((what) => `overflow: ${what}`),
    ...found.small.map((what) => `too small: ${what}`),
    ...(found.heads === 1 ? [] : [`${found.heads} h1`]),
    ...(found.inline ? [`${found.inline} inline styles or scripts`] : []),
    ...page.troubles.splice(0).map((what) => `console: ${what}`),
  ];
}
