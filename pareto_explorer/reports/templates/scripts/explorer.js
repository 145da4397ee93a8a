// The linked explorer: its parts, on two cards, around one store.
const startExplorer = (roots, payload, chosen) => {
  const find = (selector) => roots.map((root) => root.querySelector(selector)).find(Boolean) ?? null;
  const data = explorerData(payload);
  const store = explorerStore({ ...explorerLink.read(data), data, page: 0, chosen, notes: sections.payload("notes") ?? {}, lit: null, theme: theme.name() }, roots);

  const tip = explorerTip(store);
  explorerLegend(find, store);
  explorerScale(find("[data-part=scale]"), store);
  const scatter = explorerScatter(find, store, tip);
  const parallel = explorerParallel(find, store);
  const table = explorerTable(find, store, (row) => { scatter.point(row); parallel.point(row); });
  explorerPins(find, store);
  const images = explorerImages(store, scatter, parallel);

  const every = (selector) => roots.flatMap((root) => [...root.querySelectorAll(selector)]);
  const python = find("[data-do=python]");
  const most = 200; // ids in one line of Python
  const ids = (state) => (state.pins.length ? state.pins : table.order().slice(0, most).map(state.data.idOf));
  const write = (number) => number.toLocaleString("en");
  store.add((state, { selected, shown, counts }) => {
    every("[data-level]").forEach((button) => {
      button.setAttribute("aria-pressed", Number(button.dataset.level) === state.level);
      button.querySelector("span").textContent = write(counts[button.dataset.level]);
    });
    every("[data-view]").forEach((button) => button.setAttribute("aria-pressed", button.dataset.view === state.view));
    const all = counts[0] > shown.length && (Object.keys(state.ranges).length || state.search) ? `${write(shown.length)} in this page of ${write(counts[0])}` : write(counts[0]);
    const plain = state.level === 0 && !Object.keys(state.ranges).length && !state.search;
    const away = state.data.families.filter(({ name }) => state.hidden.has(name)).length;
    const hidden = away ? `, ${away} ${away === 1 ? "family" : "families"} hidden` : "";
    const pinned = state.pins.length ? `, ${state.pins.length} pinned` : "";
    const text = `${write(plain ? counts[0] : selected.length)} of ${all} points selected${hidden}${pinned}`;
    const found = find(".found");
    if (found.textContent !== text) found.textContent = text;
    find("[data-do=clear]").hidden = !Object.keys(state.ranges).length && !state.search;
    const number = state.pins.length || Math.min(selected.length, most);
    const what = state.pins.length ? "pinned" : selected.length > most ? `of ${write(selected.length)} selected` : "selected";
    python.textContent = `Copy for Python (${write(number)} ${what})`;
    python.disabled = !number;
  });
  store.add((state) => { images.refresh(find("[data-image=svg][data-of=scatter]")); explorerLink.write(state); }, { slow: true });

  const doing = {
    clear: () => store.dispatch({ type: "clear" }),
    unpin: () => store.dispatch({ type: "unpin" }),
    previous: () => store.dispatch({ type: "page", by: -1 }),
    next: () => store.dispatch({ type: "page", by: 1 }),
    csv: () => { store.render({ now: true }); download("points.csv", table.csv()); },
    link: (button) => { store.render({ now: true }); button.dataset.copy = address.link(); },
    python: (button) => { store.render({ now: true }); button.dataset.copy = `run.points_of(${JSON.stringify(ids(store.state()))})`; },
  };
  roots.forEach((root) => {
    root.addEventListener("click", ({ target }) => {
      const button = target.closest("[data-do], [data-level], [data-view]");
      if (!button) return;
      if (button.dataset.level) store.dispatch({ type: "level", level: Number(button.dataset.level) });
      else if (button.dataset.view) store.dispatch({ type: "view", view: button.dataset.view });
      else doing[button.dataset.do](button);
    });
    root.addEventListener("keydown", (event) => { if (event.key === "Escape" && !event.defaultPrevented) doing.clear(); });
  });
  theme.onChange((name) => { store.dispatch({ type: "set", values: { theme: name } }); store.render({ now: true }); });
  addEventListener("scroll", tip.hide, { passive: true });

  address.onChange(() => store.dispatch({ type: "set", values: { ...explorerLink.read(store.state().data), page: 0 } }));
  document.addEventListener("sections", () => { // notes are a card of their own, whose markup is replaced
    const notes = sections.payload("notes") ?? {};
    if (JSON.stringify(notes) !== JSON.stringify(store.state().notes)) store.dispatch({ type: "set", values: { notes } });
  });
  store.render();
  return {
    pin: (id) => { if (!store.state().pins.includes(id)) store.dispatch({ type: "pin", id }); },
    choose: (ids) => store.dispatch({ type: "set", values: { chosen: ids } }),
    // New data of a run that goes on: what the reader did stays, since it is kept by ids and names.
    take: (next) => {
      const { hidden, data: before } = store.state();
      const fresh = explorerData(next);
      const known = new Set(before.families.map(({ name }) => name));
      const more = fresh.families.filter(({ name, shown }) => !shown && !known.has(name)).map(({ name }) => name);
      store.dispatch({ type: "set", values: { data: fresh, ...(more.length ? { hidden: new Set([...hidden, ...more]) } : {}) } });
    },
  };
};

(() => {
  let explorer = null, chosen = [];
  const start = () => { // a page that is opened before the first point has no cards yet
    const roots = [...document.querySelectorAll(".explorer")], payload = sections.payload("front");
    if (!explorer && payload && roots.length === 2) explorer = startExplorer(roots, payload, chosen);
  };
  document.addEventListener("pin", ({ detail }) => explorer?.pin(detail.id));
  document.addEventListener("chosen", ({ detail }) => { chosen = detail.ids ?? []; explorer?.choose(chosen); });
  document.addEventListener("sections", start);
  sections.onPayload("front", (payload) => explorer?.take(payload));
  sections.onPayload("points", () => {}); // works on the data of the front
  start();
})();
