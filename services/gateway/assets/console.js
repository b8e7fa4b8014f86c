// Live updates and keys for the console. Every page works without this file; it only makes them quicker.
"use strict";
(() => {
  const main = document.getElementById("main");
  if (!main) return;

  // ---- Morph: new content into what is there, so that focus, scroll, open details and typed text stay.
  const same = (a, b) =>
    a.nodeType === b.nodeType && a.nodeName === b.nodeName && (a.id || "") === (b.id || "") &&
    (a.dataset?.key ?? "") === (b.dataset?.key ?? "");
  const attributes = (from, to) => {
    for (const { name, value } of [...to.attributes]) {
      if (name !== "open" && from.getAttribute(name) !== value) from.setAttribute(name, value);
    }
    for (const { name } of [...from.attributes]) {
      if (!/^(open|data-(zoom|turn|contrast)|viewBox)$/.test(name) && !to.hasAttribute(name)) from.removeAttribute(name);
    }
  };
  const morph = (from, to) => {
    let at = from.firstChild;
    for (const want of [...to.childNodes]) {
      // Something keyed may have moved down: what stands before it is new.
      let hit = at;
      if (at && !same(at, want) && (want.id || want.dataset?.key)) {
        while (hit && !same(hit, want)) hit = hit.nextSibling;
        if (hit && hit !== at) from.insertBefore(hit, at);
      }
      const here = hit && same(hit, want) ? hit : at && same(at, want) ? at : null;
      if (!here) {
        from.insertBefore(document.importNode(want, true), at);
        continue;
      }
      if (here.nodeType === Node.ELEMENT_NODE) {
        attributes(here, want);
        if (!/^(INPUT|TEXTAREA|SELECT)$/.test(here.nodeName)) morph(here, want);
      } else if (here.nodeValue !== want.nodeValue) {
        here.nodeValue = want.nodeValue;
      }
      if (here === at) at = at.nextSibling;
    }
    while (at) {
      const gone = at;
      at = at.nextSibling;
      gone.remove();
    }
  };

  // ---- One stream a page, closed while the tab is hidden.
  const state = document.querySelector(".live");
  const topics = main.dataset.live;
  let stream = null;
  let beat = 0;
  let last = "";
  const say = () => {
    if (!state || !beat) return;
    const seconds = Math.round((Date.now() - beat) / 1000);
    const on = seconds < 10;
    state.dataset.on = on ? "yes" : "no";
    const clock = new Date(beat).toLocaleTimeString("es-CO", { hour12: false, hour: "2-digit", minute: "2-digit" });
    state.textContent = on
      ? state.dataset.live.replace("{n}", seconds)
      : state.dataset.stale.replace("{at}", clock);
  };
  const swap = (event) => {
    beat = Date.now();
    if (event.lastEventId) last = event.lastEventId;
    const page = new DOMParser().parseFromString(event.data, "text/html");
    for (const part of [...page.body.children]) {
      const here = part.id && document.getElementById(part.id);
      if (here) {
        attributes(here, part);
        morph(here, part);
      }
    }
    mark();
    const title = page.querySelector("[data-title]");
    if (title) document.title = title.dataset.title;
    say();
  };
  const open = () => {
    if (!topics || stream || document.hidden) return;
    const resume = last ? `&desde=${encodeURIComponent(last)}` : "";
    stream = new EventSource(`/vivo?temas=${encodeURIComponent(topics)}${resume}`);
    stream.addEventListener("parts", swap);
    stream.addEventListener("beat", () => { beat = Date.now(); say(); });
    stream.addEventListener("end", () => { stream.close(); stream = null; });
  };
  document.addEventListener("visibilitychange", () => {
    if (document.hidden && stream) {
      stream.close();
      stream = null;
    } else open();
  });
  addEventListener("pagehide", () => stream?.close());
  setInterval(say, 1000);
  open();

  // ---- A plate: the photograph nearer, turned, clearer; where the serial was found; the button that says what it does.
  document.documentElement.dataset.js = "on";
  const mark = () => {
    for (const here of main.querySelectorAll(".mark")) {
      const photo = here.parentElement.querySelector("img");
      const show = () => photo.naturalWidth && here.setAttribute("viewBox", `0 0 ${photo.naturalWidth} ${photo.naturalHeight}`);
      if (photo.complete) show();
      else photo.addEventListener("load", show, { once: true });
    }
  };
  const lens = (does) => {
    const look = main.querySelector(".lens");
    if (!look) return;
    const at = (name) => Number(look.dataset[name] ?? 0);
    if (does === "turn") look.dataset.turn = (at("turn") + 1) % 4;
    else if (does === "contrast") look.dataset.contrast = (at("contrast") + 1) % 3;
    else look.dataset.zoom = Math.min(Math.max(at("zoom") + (does === "nearer" ? 1 : -1), 0), 3);
    // What was read is what one looks at.
    const to = (look.querySelector(".mark[viewBox] polygon") ?? look.querySelector(".sheet")).getBoundingClientRect();
    const box = look.getBoundingClientRect();
    look.scrollBy(to.x - box.x + (to.width - box.width) / 2, to.y - box.y + (to.height - box.height) / 2);
  };
  main.addEventListener("input", (event) => {
    const read = event.target.dataset?.read;
    const button = read !== undefined && event.target.form?.querySelector("[data-same]");
    if (button) button.textContent = event.target.value.trim().toUpperCase() === read ? button.dataset.same : button.dataset.other;
  });
  mark();

  // ---- Keys: only outside fields, never with a modifier, and only when the person wants them.
  const places = { p: "/pedidos", e: "/entregas", i: "/inciertos", c: "/cartas-muertas", s: "/salud", o: "/revision-ocr", a: "/activos", r: "/" };
  const off = () => document.documentElement.dataset.keys === "off";
  let go = 0;
  const rows = () => [...main.querySelectorAll("[data-row]")];
  const step = (by) => {
    const all = rows();
    const at = all.indexOf(document.activeElement?.closest("[data-row]"));
    const next = all[Math.min(Math.max(at + by, 0), all.length - 1)];
    next?.querySelector("a, summary, button")?.focus();
  };
  document.addEventListener("keydown", (event) => {
    const within = event.target;
    if (event.key === "Escape") {
      for (const menu of document.querySelectorAll("details.me[open]")) {
        menu.open = false;
        menu.querySelector("summary").focus();
      }
      if (within.id === "serial") within.blur();
      return;
    }
    if (off() || event.ctrlKey || event.metaKey || event.altKey) return;
    if (/^(INPUT|TEXTAREA|SELECT)$/.test(within.nodeName) || within.isContentEditable) return;
    if (go && Date.now() - go < 1500) {
      go = 0;
      const place = places[event.key];
      if (place && document.querySelector(`.nav a[href="${place}"]`)) {
        event.preventDefault();
        location.assign(place);
      }
      return;
    }
    if (event.key === "/") {
      event.preventDefault();
      document.getElementById("q")?.focus();
    } else if (event.key === "g") go = Date.now();
    else if (event.key === "j") step(1);
    else if (event.key === "k") step(-1);
    else if (event.key === "n") main.querySelector("[data-next]")?.click();
    else if (/^[1-9]$/.test(event.key)) main.querySelectorAll(".tasks a.button")[event.key - 1]?.focus();
  });

  // ---- A person menu closes when one leaves it; copy buttons copy.
  document.addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll("details.me[open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
    const tool = event.target.closest("[data-lens]");
    if (tool) lens(tool.dataset.lens);
    const copy = event.target.closest("[data-copy]");
    if (copy) navigator.clipboard?.writeText(copy.dataset.copy === "" ? location.href : copy.dataset.copy);
  });
})();
