// What the page holds of each card: its figure, its tables, what its own script works on; and how it is replaced.
const sections = (() => {
  const figures = embedded("figures"), tables = embedded("tables"), payloads = embedded("payloads");
  const listeners = new Map(), redraws = [];
  const find = (key) => document.getElementById(key);
  const parsed = (html) => { // a template's scripts do not run
    const template = el("template");
    template.innerHTML = html;
    return template.content.querySelector("section");
  };

  // What the reader did to a card: what is open and pressed, and where the focus is.
  const named = (node) => node.id || node.querySelector("h2")?.id || `${node.tagName} ${Object.entries(node.dataset).filter(([name]) => !["label", "row"].includes(name)).join(" ")} ${node.getAttribute("aria-label") ?? (node.matches("summary, button, a") ? node.textContent.trim() : "")}`;
  const opened = (section) => [...section.querySelectorAll("details[open] > summary")].map(named);
  const pressed = (section) => [...section.querySelectorAll("[data-pick], [data-view-name]")].map((button) => [named(button), button.getAttribute("aria-pressed")]);
  const remembered = (section) => ({
    opened: opened(section), pressed: pressed(section), more: Boolean(section.querySelector(".rest:not([hidden])")),
    focus: section.contains(document.activeElement) ? named(document.activeElement) : null,
  });
  const restore = (section, { opened, pressed, more, focus }) => {
    const controls = new Map([...section.querySelectorAll("summary, button, a, input, select, [tabindex], [id]")].map((node) => [named(node), node]));
    opened.forEach((name) => { const details = controls.get(name)?.closest("details"); if (details) details.open = true; });
    pressed.forEach(([name, state]) => { if (controls.get(name) && controls.get(name).getAttribute("aria-pressed") !== state && (state === "true" || !name.includes("viewName"))) controls.get(name).click(); });
    if (more) section.querySelector("[data-more]")?.click();
    if (focus !== null) controls.get(focus)?.focus({ preventScroll: true });
  };

  // Of a card whose script keeps what the reader did, only what is said around it is replaced.
  const retold = (old, fresh) => {
    for (const part of [".card-head h2", ".sentence", ".help", ".swatches"]) {
      const [before, after] = [old.querySelector(part), fresh.querySelector(part)];
      if (before && after && before.innerHTML !== after.innerHTML) before.replaceChildren(...after.childNodes);
    }
  };
  const put = (key, { html, figure, tables: own, payload }) => {
    for (const name of Object.keys(tables)) if (name === key || name.startsWith(`${key}-`)) delete tables[name];
    Object.assign(tables, own);
    figures[key] = figure ?? undefined;
    payloads[key] = payload ?? undefined;
    const old = find(key), fresh = parsed(html), listener = listeners.get(key);
    if (listener && payload && old && !old.querySelector(":scope > .sentence.muted")) {
      retold(old, fresh);
      listener(payload, { fresh: false });
      return;
    }
    const memory = old && remembered(old);
    if (old) old.replaceWith(fresh); else document.querySelector("main > footer").before(fresh);
    redraws.forEach((redraw) => redraw(old, fresh));
    if (memory) restore(fresh, memory);
    if (listener && payload) listener(payload, { fresh: true });
  };
  const arrange = (order) => {
    document.querySelectorAll("main section.card").forEach((section) => {
      if (order.includes(section.id)) return;
      section.remove();
      for (const part of [figures, payloads, tables]) delete part[section.id];
    });
    let last = null;
    for (const section of order.map(find).filter(Boolean)) {
      const place = last ? last.nextElementSibling : document.querySelector("main section.card");
      if (place !== section && (!last || last.parentElement === section.parentElement)) {
        if (last) last.after(section); else place.before(section);
      }
      last = section;
    }
  };
  return {
    figure: (key) => figures[key],
    table: (key) => tables[key],
    payload: (key) => payloads[key],
    // A card whose script keeps what the reader did takes a new payload itself; of others, the markup is replaced.
    // The listener gets the payload and whether the markup is new, as it is where there was nothing but a reason before.
    onPayload: (key, listener) => listeners.set(key, listener),
    // Told of a section that has gone, or null, and of the one that is in its place.
    onReplaced: (redraw) => redraws.push(redraw),
    // Takes what has changed; what the reader looks at stays where it is on the screen.
    update: ({ sections: changed, order }) => {
      const anchor = [...document.querySelectorAll("main section.card")].find((section) => section.getBoundingClientRect().bottom > 0);
      const top = anchor?.getBoundingClientRect().top;
      for (const key of order) if (Object.hasOwn(changed, key)) put(key, changed[key]);
      arrange(order);
      const now = anchor && find(anchor.id)?.getBoundingClientRect().top;
      if (scrollY > 0 && now !== undefined && now !== top) scrollBy({ top: now - top, behavior: "instant" });
      document.dispatchEvent(new CustomEvent("sections", { detail: { changed: Object.keys(changed) } }));
    },
  };
})();
