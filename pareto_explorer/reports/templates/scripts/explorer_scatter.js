// A scatter plot of any two columns, or three: faded what is not selected, ringed what is pinned.
const explorerScatter = (root, data, store, tip, pathOf) => {
  const plot = root.querySelector(".cloud");
  const outside = root.querySelector("[data-part=outside]");
  const cloud = explorerCloud(plot, data, pathOf);
  const ring = el("span", { class: "ring no-print", hidden: true });
  const looks = data.axes.length === 2
    ? { original: { symbol: "x", size: 9 }, retrained: { symbol: "star", size: 13 } }
    : { original: { symbol: "square-open", size: 12 }, retrained: { symbol: "diamond", size: 12 } }; // those that there are in 3-D
  let revision = 0, listening = false, latest = null;

  const select = (letter) => root.querySelector(`[data-axis=${letter}]`);
  const letters = (state) => (state.z ? ["x", "y", "z"] : ["x", "y"]);
  const columnOf = (state, letter) => data.columns.get(state[letter]);
  const options = (none) => {
    const all = [...data.columns.values()];
    const lists = [...new Set(all.map(({ group }) => group))].map((group) => el("optgroup", { label: group },
      ...all.filter((column) => column.group === group).map((column) => el("option", { value: column.key }, column.label))));
    return none ? [el("option", { value: "" }, "none"), ...lists] : lists;
  };
  for (const letter of ["x", "y", "z"]) {
    select(letter)?.replaceChildren(...options(letter === "z"));
    select(letter)?.addEventListener("change", ({ target }) => store.dispatch({ type: "axis", axis: letter, key: target.value || null }));
  }
  if (select("z") && !el("canvas").getContext("webgl")) {
    select("z").disabled = true;
    store.dispatch({ type: "axis", axis: "z", key: null });
  }

  const title = ({ label, direction }, flat) => {
    const arrows = { min: ", ← lower is better", max: ", higher is better →" };
    const words = { min: "<br>lower is better", max: "<br>higher is better" };
    return escaped(label) + ((flat ? arrows : words)[direction] ?? "");
  };
  const shortened = (text) => escaped(text.length > 18 ? `${text.slice(0, 17)}…` : text);
  const axis = (base, column, wide, flat) => {
    const made = { ...base, title: { text: title(column, flat), ...(flat ? { standoff: 10 } : { font: { size: 12 } }) }, type: column.log ? "log" : "linear" };
    if (column.texts) return { ...made, tickmode: "array", tickvals: column.texts.map((_, i) => i), ticktext: column.texts.map(shortened), range: [-0.5, column.texts.length - 0.5] };
    return data.view[column.key] && !wide ? { ...made, range: [...data.view[column.key]] } : { ...made, autorange: true };
  };

  // The rectangle of the limits on the two axes; a side without a limit is the side of the figure.
  const band = (state) => {
    const { accent, band: fill } = inks();
    const shape = { type: "rect", layer: "below", xref: "paper", yref: "paper", x0: 0, x1: 1, y0: 0, y1: 1, fillcolor: fill, line: { width: 1, color: accent, dash: "dot" } };
    const limited = ["x", "y"].filter((letter) => state.ranges[state[letter]]);
    for (const letter of limited) {
      const column = columnOf(state, letter), range = state.ranges[column.key];
      const [least, most] = column.ends;
      const far = column.log ? [least / 1e3, most * 1e3] : [least - 10 * (most - least), most + 10 * (most - least)];
      const low = range.codes ? Math.min(...range.codes) - 0.5 : Math.max(range.low, far[0]);
      const high = range.codes ? Math.max(...range.codes) + 0.5 : Math.min(range.high, far[1]);
      Object.assign(shape, { [`${letter}ref`]: letter, [`${letter}0`]: low, [`${letter}1`]: high });
    }
    return limited.length ? [shape] : [];
  };
  const inks = () => {
    const light = theme.name() === "light";
    const { paper_bgcolor: paper, font } = data.layouts[theme.name()];
    return { paper, text: font.color, accent: theme.accent(), band: light ? "rgba(11,92,173,.05)" : "rgba(125,184,245,.08)" };
  };

  const at = (state, rows) => Object.fromEntries(letters(state).map((letter) => [letter, rows.map((row) => columnOf(state, letter).values[row])]));
  const marksOf = (state) => data.landmarks.filter((mark) => state.landmarks.has(mark.kind) && letters(state).every((letter) => mark.values[state[letter]])).map((mark) => ({
    type: state.z ? "scatter3d" : "scatter", mode: "markers", meta: "landmark", hoverinfo: "text", selectedpoints: null,
    ...Object.fromEntries(letters(state).map((letter) => [letter, mark.values[state[letter]]])),
    marker: { ...looks[mark.kind], size: looks[mark.kind].size * (state.z ? 0.5 : 1), color: inks().text, opacity: 0.9 },
    hovertext: mark.seeds.map((seed) => `<b>${mark.title}</b><br>training seed ${seed}`),
  }));
  const pinsOf = (state) => (state.pins.length ? [{
    type: state.z ? "scatter3d" : "scatter", mode: state.z ? "markers+text" : "markers", meta: "pinned", hoverinfo: "skip", selectedpoints: null, ...at(state, state.pins),
    text: state.pins.map((_, i) => pinName(i)), textposition: "top center", textfont: { color: inks().text, size: 13 },
    marker: { symbol: "circle-open", size: state.z ? 10 : 19, color: inks().text, line: { width: 2, color: inks().text } },
  }] : []);
  // In the plane, Plotly draws axes and marks; one unseen trace has the extent of the points.
  const extent = (state, { shown }) => ({
    type: "scatter", mode: "markers", meta: "extent", hoverinfo: "skip", selectedpoints: null, marker: { opacity: 0 },
    ...Object.fromEntries(["x", "y"].map((letter) => {
      const { values } = columnOf(state, letter);
      let low = Infinity, high = -Infinity;
      for (const row of shown) { if (values[row] < low) low = values[row]; if (values[row] > high) high = values[row]; }
      return [letter, low <= high ? [low, high] : []];
    })),
  });
  const deep = (state, rows, chosen) => ({
    type: "scatter3d", mode: "markers", meta: chosen ? "selected" : "others", hoverinfo: "none", customdata: rows, ...at(state, rows), opacity: chosen ? 1 : 0.25,
    marker: { size: chosen ? 5 : 3, color: rows.map((row) => data.familyOf(row)[theme.name()]), symbol: rows.map((row) => data.familyOf(row).symbol3d), line: { width: chosen ? 1 : 0, color: inks().paper } },
  });
  const traces = (state, selection) => {
    const points = state.z ? [deep(state, selection.others, false), deep(state, selection.selected, true)] : [extent(state, selection)];
    return [...points, ...marksOf(state), ...pinsOf(state)];
  };

  const layout = (state) => {
    const { xaxis: base, yaxis: _, ...rest } = structuredClone(data.layouts[theme.name()]);
    const axes = Object.fromEntries(letters(state).map((letter) => [`${letter}axis`, axis(structuredClone(base), columnOf(state, letter), state.wide, !state.z)]));
    const common = { ...rest, hovermode: "closest", showlegend: false, uirevision: `${state.x} ${state.y} ${state.z} ${state.wide}` };
    if (state.z) {
      for (const made of Object.values(axes)) { delete made.automargin; made.backgroundcolor = rest.paper_bgcolor; }
      return { ...common, margin: { l: 0, r: 0, t: 0, b: 0 }, dragmode: screens.touch.matches ? false : "orbit", scene: { ...axes, camera: { eye: { x: 1.8, y: 1.8, z: 0.9 } } } };
    }
    return {
      ...common, ...axes, dragmode: screens.touch.matches ? false : "select", selectdirection: "any", selections: [], selectionrevision: ++revision, shapes: band(state),
      margin: { ...rest.margin, t: 20, ...(screens.narrow.matches ? { l: 8, r: 8 } : {}) },
      newselection: { line: { color: inks().accent, width: 1, dash: "dot" } },
    };
  };

  const brushed = ({ range }) => {
    const state = store.state();
    const ranges = Object.fromEntries(["x", "y"].map((letter) => {
      const column = columnOf(state, letter);
      const [low, high] = [...range[letter]].sort((a, b) => a - b);
      return [column.key, column.texts ? { codes: column.texts.map((_, i) => i).filter((i) => i >= low && i <= high) } : { low, high }];
    }));
    store.dispatch({ type: "ranges", ranges });
  };
  const repaint = (ranges) => { if (latest && !latest[0].z && plot._fullLayout?.xaxis) cloud.paint(...latest, ranges); };
  const listen = () => {
    plot.append(ring);
    plot.on("plotly_afterplot", () => repaint());
    plot.on("plotly_relayouting", (event) => {
      const ends = (letter) => (`${letter}axis.range[0]` in event ? { [letter]: [event[`${letter}axis.range[0]`], event[`${letter}axis.range[1]`]] } : {});
      repaint({ ...ends("x"), ...ends("y") });
    });
    plot.on("plotly_selected", (event) => { if (event?.range) brushed(event); });
    plot.on("plotly_doubleclick", () => {
      const { x, y } = store.state();
      store.dispatch({ type: "ranges", ranges: { [x]: null, [y]: null } });
    });
    const deepRow = ({ points }) => (Number.isInteger(points[0].customdata) ? points[0].customdata : null);
    plot.on("plotly_hover", (event) => { if (store.state().z && deepRow(event) !== null) tip.show(deepRow(event), event.event); });
    plot.on("plotly_unhover", () => { if (store.state().z) tip.hide(); });
    plot.on("plotly_click", (event) => { if (store.state().z && deepRow(event) !== null) store.dispatch({ type: "pin", row: deepRow(event) }); });
  };
  const under = (event) => {
    if (store.state().z) return null;
    const box = plot.getBoundingClientRect();
    return cloud.near(event.clientX - box.left, event.clientY - box.top, event.pointerType === "touch" ? 22 : 11);
  };
  let pressed = null;
  plot.addEventListener("pointermove", (event) => {
    if (store.state().z || event.pointerType === "touch") return;
    const row = event.buttons ? null : under(event);
    if (row === null) tip.hide(); else tip.show(row, event);
  });
  plot.addEventListener("pointerleave", () => tip.hide());
  plot.addEventListener("pointerdown", (event) => { pressed = event.target.closest(".modebar") ? null : [event.clientX, event.clientY]; }, true);
  addEventListener("pointerup", (event) => {
    const still = pressed && Math.hypot(event.clientX - pressed[0], event.clientY - pressed[1]) < 4;
    pressed = null;
    const row = still ? under(event) : null;
    if (row !== null) store.dispatch({ type: "pin", row });
  }, true);
  addEventListener("pointercancel", () => { pressed = null; });

  const tellOutside = (state, selection) => {
    const limits = letters(state).filter((letter) => data.view[state[letter]]).map((letter) => [columnOf(state, letter).values, ...data.view[state[letter]]]);
    const number = selection.shown.filter((row) => limits.some(([values, low, high]) => values[row] < low || values[row] > high)).length;
    outside.hidden = !number;
    outside.firstElementChild.textContent = state.wide ? "Every point is in view." : `Not in this view: ${number.toLocaleString("en")} ${number === 1 ? "point" : "points"} beyond the box.`;
    const button = outside.querySelector("button");
    button.setAttribute("aria-pressed", state.wide);
    button.textContent = state.wide ? "Show the box" : "Show all points";
  };
  store.add((state, selection, changed, filtered) => {
    if (!filtered && !changed("x", "y", "z", "wide", "pins", "landmarks", "theme")) return;
    latest = [state, selection];
    for (const letter of ["x", "y", "z"]) if (select(letter)) select(letter).value = state[letter] ?? "";
    if (plot.layout && changed("z")) { Plotly.purge(plot); listening = false; }
    if (state.z) cloud.clear();
    ring.hidden = true;
    const buttons = state.z ? plotButtons.deep : ["select2d", ...plotButtons.flat.slice(1)];
    Plotly.react(plot, traces(state, selection), layout(state), plotConfig(buttons));
    if (!listening) { listening = true; listen(); repaint(); }
    tellOutside(state, selection);
  }, { slow: true });
  addEventListener("beforeprint", () => Plotly.relayout(plot, printedSize));
  addEventListener("afterprint", () => Plotly.relayout(plot, { width: null, height: null, autosize: true }));

  return {
    point: (row) => {
      const place = row === null || store.state().z ? null : cloud.place(row);
      ring.hidden = !place;
      if (place) ring.style.transform = `translate(${place[0]}px, ${place[1]}px)`;
    },
  };
};
