// The linked explorer: its parts around one store.
(() => {
  const root = document.querySelector(".explorer");
  const payload = sections.payload("explorer");
  if (!root || !payload) return;
  const data = explorerData(payload);
  const [x, y, z = null] = data.axes;
  const families = (shown) => data.families.map(({ name }) => shown.has(`family ${name}`));
  const landmarks = (shown) => new Set(data.landmarks.map(({ kind }) => kind).filter((kind) => shown.has(`landmark ${kind}`)));
  const store = explorerStore(data, {
    level: 2, families: families(groups.shown()), landmarks: landmarks(groups.shown()), ranges: {}, x, y, z, wide: false,
    dimensions: data.dimensions, sort: { key: x, descending: data.columns.get(x).direction === "max" }, page: 0, pins: [], theme: theme.name(),
  });
  const swatches = new Map([...root.querySelectorAll(".families [data-group]")].map((entry) => [entry.dataset.group, entry.querySelector("svg")]));
  const swatchOf = (row) => swatches.get(`family ${data.familyOf(row).name}`).cloneNode(true);

  const tip = explorerTip(data);
  const pathOf = (family) => [...swatches.get(`family ${data.families[family].name}`).querySelectorAll("[fill=currentColor]")].at(-1).getAttribute("d");
  const scatter = explorerScatter(root, data, store, tip, pathOf);
  const parallel = explorerParallel(root, data, store);
  const table = explorerTable(root, data, store, swatchOf, (row) => { scatter.point(row); parallel.point(row); });
  explorerPins(root, data, store, swatchOf);

  const levels = [...root.querySelectorAll("[data-level]")];
  store.add((state, selection) => {
    levels.forEach((button) => {
      button.setAttribute("aria-pressed", Number(button.dataset.level) === state.level);
      button.querySelector("span").textContent = selection.levels[button.dataset.level].toLocaleString("en");
    });
    const pinned = state.pins.length ? `, ${state.pins.length} pinned` : "";
    const text = `${selection.selected.length.toLocaleString("en")} of ${selection.shown.length.toLocaleString("en")} points selected${pinned}`;
    const found = root.querySelector(".found");
    if (found.textContent !== text) found.textContent = text;
    root.querySelector("[data-do=clear]").hidden = !Object.keys(state.ranges).length;
  });
  const doing = {
    clear: () => store.dispatch({ type: "clear" }),
    wide: () => store.dispatch({ type: "wide" }),
    unpin: () => store.dispatch({ type: "unpin" }),
    previous: () => store.dispatch({ type: "page", by: -1 }),
    next: () => store.dispatch({ type: "page", by: 1 }),
    csv: () => { store.render({ now: true }); download("points.csv", table.csv()); },
  };
  root.addEventListener("click", ({ target }) => {
    const button = target.closest("[data-do], [data-level]");
    if (!button) return;
    if (button.dataset.level) store.dispatch({ type: "level", level: Number(button.dataset.level) });
    else doing[button.dataset.do]();
  });
  groups.onChange((shown) => {
    store.dispatch({ type: "families", families: families(shown) });
    store.dispatch({ type: "landmarks", landmarks: landmarks(shown) });
  });
  theme.onChange((name) => { store.dispatch({ type: "theme", theme: name }); store.render({ now: true }); });

  // The front figure leaves its hover and its clicks to the explorer's data.
  document.querySelectorAll("[data-figure=front]").forEach((plot) => {
    const rowOf = ({ points }) => (Array.isArray(points[0].customdata) ? data.rowOf.get(points[0].customdata.join("\n")) : undefined);
    figures.whenDrawn(plot, () => {
      plot.on("plotly_hover", (event) => { const row = rowOf(event); if (row !== undefined) tip.show(row, event.event); });
      plot.on("plotly_unhover", tip.hide);
      plot.on("plotly_click", (event) => { const row = rowOf(event); if (row !== undefined) store.dispatch({ type: "pin", row }); });
    });
  });
  addEventListener("scroll", tip.hide, { passive: true });
  store.render();
})();
