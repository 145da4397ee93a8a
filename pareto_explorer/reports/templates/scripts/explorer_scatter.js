// The scatter plot: axes by Plotly, points above them; in space, all of it by Plotly.
const explorerScatter = (find, store, tip) => {
  const plot = find(".cloud"), outside = find("[data-part=outside]");
  const cloud = explorerCloud(plot);
  const looks = { original: { symbol: "square-open", size: 6 }, retrained: { symbol: "diamond", size: 6 }, between: { symbol: "diamond-open", size: 4.5 } }; // those that there are in 3-D
  let listening = false, framing = "", latest = null, cursor = null, hovered = null;

  const select = (name) => find(name === "colour" ? "[data-colour]" : `[data-axis=${name}]`);
  const letters = (state) => (state.z ? ["x", "y", "z"] : ["x", "y"]);
  const options = (data, none) => {
    const order = ["Objectives", "Metrics", "Knobs", "Cost", "Parts", "Diagnostics"];
    const lists = order.filter((group) => data.chosenFrom.some((column) => column.group === group)).map((group) => el("optgroup", { label: group },
      ...data.chosenFrom.filter((column) => column.group === group).map((column) => el("option", { value: column.key }, column.label))));
    return none ? [el("option", { value: "" }, "none"), ...lists] : lists;
  };
  const flat = select("z") !== null && !el("canvas").getContext("webgl"); // there is no space to turn in
  for (const name of ["x", "y", "z", "colour"]) {
    select(name)?.addEventListener("change", ({ target }) => store.dispatch(name === "colour" ? { type: "colour", key: target.value } : { type: "axis", axis: name, key: target.value || null }));
  }
  if (flat) {
    select("z").disabled = true;
    store.dispatch({ type: "axis", axis: "z", key: null });
  }

  const title = ({ label, direction, note }, space, muted) => {
    const arrows = { min: ", ← lower is better", max: ", higher is better →" };
    const words = { min: "<br>lower is better", max: "<br>higher is better" };
    const meaning = note && !space && !screens.narrow.matches ? `<br><span style="font-size:12px;color:${muted}">${escaped(note)}</span>` : "";
    return escaped(label) + ((space ? words : arrows)[direction] ?? "") + meaning;
  };
  const shortened = (text) => escaped(text.length > 18 ? `${text.slice(0, 17)}…` : text);
  // The ends of an axis, in its own units: those of a logarithmic one are powers of ten.
  const ends = (state, selection, letter) => {
    const { data, view } = state;
    const column = data.columns.get(state[letter]);
    if (typeof view !== "string" && letter !== "z") return letter === "x" ? view.slice(0, 2) : view.slice(2);
    if (column.texts) return [-0.5, column.texts.length - 0.5];
    if (view === "box" && data.view[column.key]) return data.view[column.key];
    const front = (least) => selection.shown.filter((row) => data.level[row] >= least);
    const rows = view === "front" ? [front(2), front(1), selection.shown].find((own) => own.length) ?? [] : selection.shown;
    const marks = data.landmarks.filter(({ kind }) => state.drawn.has(kind) && (view === "all" || kind === "retrained"));
    const placed = [...rows.map((row) => column.values[row]), ...marks.flatMap(({ values }) => values[column.key] ?? [])];
    let low = Infinity, high = -Infinity;
    for (const value of placed) {
      const at = column.log ? Math.log10(value) : value;
      if (value !== null && at < low) low = at;
      if (value !== null && at > high) high = at;
    }
    if (low > high) return [0, 1];
    const room = (high - low) * 0.06 || Math.abs(low) * 0.1 || 0.5;
    return [low - room, high + room];
  };
  const axis = (state, selection, letter, base) => {
    const column = state.data.columns.get(state[letter]);
    const made = {
      ...structuredClone(base), type: column.log ? "log" : "linear", range: ends(state, selection, letter),
      title: { text: title(column, Boolean(state.z), base.tickfont.color), ...(state.z ? { font: { size: 12 } } : { standoff: 8 }) },
    };
    return column.texts ? { ...made, tickmode: "array", tickvals: column.texts.map((_, i) => i), ticktext: column.texts.map(shortened) } : made;
  };
  const layout = (state, selection) => {
    const { xaxis: base, yaxis: _, ...rest } = structuredClone(state.data.layouts[state.theme]);
    const axes = Object.fromEntries(letters(state).map((letter) => [`${letter}axis`, axis(state, selection, letter, base)]));
    const common = { ...rest, hovermode: state.z ? "closest" : false, showlegend: false };
    if (state.z) {
      const far = screens.narrow.matches ? 2.7 : 1.8; // so that no title of an axis is cut off
      for (const made of Object.values(axes)) { delete made.automargin; made.backgroundcolor = rest.paper_bgcolor; }
      return { ...common, uirevision: `${state.x} ${state.y} ${state.z}`, margin: { l: 0, r: 0, t: 0, b: 0 }, dragmode: screens.touch.matches ? false : "orbit", scene: { ...axes, camera: { eye: { x: far, y: far, z: far / 2 } } } };
    }
    return {
      ...common, ...axes, dragmode: screens.touch.matches ? false : plot.layout?.dragmode || "select", selectdirection: "any", selections: [],
      margin: { ...rest.margin, t: 12, b: 44, ...(screens.narrow.matches ? { l: 8, r: 8 } : {}) },
      newselection: { line: { color: theme.accent(), width: 1, dash: "dot" } },
    };
  };
  // In the plane, Plotly draws the axes alone: one unseen trace lets it select.
  const unseen = ({ xaxis, yaxis }) => {
    const values = ({ type, range }) => (type === "log" ? range.map((end) => 10 ** end) : range);
    return { type: "scatter", mode: "markers", hoverinfo: "skip", selectedpoints: null, marker: { opacity: 0 }, x: values(xaxis), y: values(yaxis) };
  };

  const at = (state, rows) => Object.fromEntries(letters(state).map((letter) => [letter, rows.map((row) => state.data.columns.get(state[letter]).values[row])]));
  const deep = (state, rows, colours, chosen) => ({
    type: "scatter3d", mode: "markers", meta: chosen ? "selected" : "others", hoverinfo: "none", customdata: rows, ...at(state, rows), opacity: chosen ? 1 : 0.25,
    marker: { size: chosen ? 5 : 3, color: rows.map((row) => colours.css[colours.of(row)]), symbol: rows.map((row) => state.data.familyOf(row).symbol3d), line: { width: chosen ? 1 : 0, color: state.data.layouts[state.theme].paper_bgcolor } },
  });
  const frameOfBox = (state, { muted, text }) => {
    const sides = letters(state).map((letter) => state.data.box[state[letter]]);
    if (!state.drawn.has("box") || sides.some((side) => !side)) return [];
    const corners = Array.from({ length: 8 }, (_, i) => [i & 1, (i >> 1) & 1, i >> 2]);
    const edges = corners.flatMap((a) => corners.filter((b) => b.every((end, i) => end >= a[i]) && b.reduce((sum, end, i) => sum + end - a[i], 0) === 1).map((b) => [a, b]));
    const path = (i) => edges.flatMap(([a, b]) => [sides[i][a[i]], sides[i][b[i]], null]);
    return [
      { type: "scatter3d", mode: "lines", meta: "box", hoverinfo: "skip", x: path(0), y: path(1), z: path(2), line: { color: muted, width: 1, dash: "dot" } },
      { type: "scatter3d", mode: "markers", meta: "reference", hoverinfo: "text", hovertext: "Reference point of the box", x: [sides[0][1]], y: [sides[1][1]], z: [sides[2][1]], marker: { symbol: "cross", size: 4.5, color: text } },
    ];
  };
  const space = (state, { others, selected }) => {
    const colours = explorerColours(state.data, state.colour, state.theme);
    const { font, xaxis } = state.data.layouts[state.theme];
    const inks = { text: font.color, muted: xaxis.linecolor };
    const marks = state.data.landmarks.filter(({ kind, values }) => state.drawn.has(kind) && letters(state).every((letter) => values[state[letter]])).map((own) => ({
      type: "scatter3d", mode: "markers", meta: "landmark", hoverinfo: "text", hovertext: own.seeds.map((seed) => `${own.title}, ${seed}`),
      ...Object.fromEntries(letters(state).map((letter) => [letter, own.values[state[letter]]])), marker: { ...looks[own.kind], color: inks.text, opacity: 0.9 },
    }));
    const named = [...state.pins.map((id, i) => [id, pinName(i)]), ...state.chosen.map((id) => [id, "chosen"])].filter(([id]) => state.data.rowOf.has(id));
    const held = named.map(([id]) => state.data.rowOf.get(id));
    const ways = held.map((row) => ({ type: "scatter3d", mode: "lines", meta: "trail", hoverinfo: "skip", ...at(state, state.data.wayOf(row)), line: { color: colours.css[colours.of(row)], width: 2 } }));
    const pins = { type: "scatter3d", mode: "markers+text", meta: "pinned", hoverinfo: "skip", ...at(state, held), text: named.map(([, name]) => name), textposition: "top center", textfont: { color: inks.text, size: 13 }, marker: { symbol: "circle-open", size: 9, color: inks.text } };
    return [deep(state, others, colours, false), deep(state, selected, colours, true), ...marks, ...frameOfBox(state, inks), ...ways, pins];
  };

  const brushed = ({ range }) => {
    const state = store.state();
    const ranges = Object.fromEntries(["x", "y"].map((letter) => {
      const column = state.data.columns.get(state[letter]);
      const [low, high] = [...range[letter]].sort((a, b) => a - b);
      return [column.key, column.texts ? { texts: column.texts.filter((_, i) => i >= low && i <= high) } : { low, high }];
    }));
    store.dispatch({ type: "ranges", ranges });
  };
  const repaint = (ranges) => {
    if (!latest || latest[0].z || !plot._fullLayout?.xaxis) return;
    cloud.paint(...latest, ranges);
    cloud.point(store.state(), hovered);
  };
  const show = (row, event = null) => {
    hovered = row;
    cloud.point(store.state(), row);
    if (row === null) { tip.hide(); return; }
    const place = cloud.placeOf(row), box = plot.getBoundingClientRect();
    tip.show(row, event ?? { clientX: box.left + (place?.[0] ?? 0), clientY: box.top + (place?.[1] ?? 0) });
  };
  const pin = (row) => store.dispatch({ type: "pin", id: store.state().data.idOf(row) });
  const listen = () => {
    plot.on("plotly_afterplot", () => repaint());
    plot.on("plotly_relayouting", (event) => {
      const moving = (letter) => (`${letter}axis.range[0]` in event ? { [letter]: [event[`${letter}axis.range[0]`], event[`${letter}axis.range[1]`]] } : {});
      repaint({ ...moving("x"), ...moving("y") });
    });
    plot.on("plotly_relayout", (event) => {
      const keys = Object.keys(event);
      if (keys.some((key) => key.endsWith("axis.autorange"))) store.dispatch({ type: "view", view: "box" });
      else if (keys.some((key) => /^[xy]axis\.range/.test(key))) {
        const { xaxis, yaxis } = plot._fullLayout;
        store.dispatch({ type: "view", view: [...xaxis.range, ...yaxis.range] });
      }
    });
    plot.on("plotly_selected", (event) => {
      if (!event?.range) return;
      brushed(event);
      Plotly.relayout(plot, { selections: [] }); // the limits are drawn below the points
    });
    plot.on("plotly_doubleclick", () => {
      const { x, y } = store.state();
      store.dispatch({ type: "ranges", ranges: { [x]: null, [y]: null } });
    });
    const deepRow = ({ points }) => (Number.isInteger(points[0].customdata) ? points[0].customdata : null);
    plot.on("plotly_hover", (event) => { if (store.state().z && deepRow(event) !== null) tip.show(deepRow(event), event.event); });
    plot.on("plotly_unhover", () => { if (store.state().z) tip.hide(); });
    plot.on("plotly_click", (event) => { if (store.state().z && deepRow(event) !== null) pin(deepRow(event)); });
  };
  const under = (event) => {
    if (store.state().z) return null;
    const box = plot.getBoundingClientRect();
    return cloud.near(event.clientX - box.left, event.clientY - box.top, event.pointerType === "touch" ? 22 : 11);
  };
  let pressed = null;
  plot.addEventListener("pointermove", (event) => {
    if (store.state().z || event.pointerType === "touch") return;
    const found = event.buttons ? null : under(event);
    const row = found?.row ?? null;
    if (row !== null || hovered !== null) show(row, event);
    if (found?.landmark) tip.landmark(found, event, [store.state().x, store.state().y]); else if (row === null) tip.hide();
  });
  plot.addEventListener("pointerleave", () => show(null));
  plot.addEventListener("pointerdown", (event) => { pressed = event.target.closest(".modebar") ? null : [event.clientX, event.clientY]; }, true);
  addEventListener("pointerup", (event) => {
    const still = pressed && Math.hypot(event.clientX - pressed[0], event.clientY - pressed[1]) < 4;
    pressed = null;
    const row = still ? under(event)?.row ?? null : null;
    if (row !== null) pin(row);
  }, true);
  addEventListener("pointercancel", () => { pressed = null; });

  const ways = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  plot.addEventListener("keydown", (event) => {
    if (event.target !== plot || store.state().z) return;
    if (event.key in ways) {
      const { selected } = store.selection(), some = new Set(selected);
      const to = cloud.next(cursor, ways[event.key], (row) => !some.size || some.has(row));
      if (to !== null) cursor = to;
      if (cursor !== null) {
        show(cursor);
        const { data } = store.state();
        said.textContent = `${data.familyOf(cursor).name}, trial ${data.trialOf(cursor)}, ${data.placeOf(cursor)}`;
      }
    } else if ((event.key === "Enter" || event.key === " ") && cursor !== null) pin(cursor);
    else if (event.key === "Escape" && cursor !== null) { leave(); event.stopPropagation(); }
    else return;
    event.preventDefault();
  });
  const leave = () => { if (cursor !== null) { cursor = null; show(null); said.textContent = ""; } };
  plot.addEventListener("blur", leave);

  const tellOutside = (state, selection) => {
    const limits = letters(state).map((letter) => {
      const column = state.data.columns.get(state[letter]);
      const [low, high] = ends(state, selection, letter);
      return [column.values, ...(column.log ? [10 ** low, 10 ** high] : [low, high])];
    });
    const number = selection.shown.filter((row) => limits.some(([values, low, high]) => values[row] < low || values[row] > high)).length;
    outside.hidden = !number;
    outside.textContent = `Not in this view: ${number.toLocaleString("en")} ${number === 1 ? "point" : "points"}.`;
  };
  store.add((state, selection, changed, filtered) => {
    if (changed("data")) for (const name of ["x", "y", "z", "colour"]) select(name)?.replaceChildren(...options(state.data, name === "z"));
    if (changed("data", "x", "y", "z", "colour")) for (const name of ["x", "y", "z", "colour"]) if (select(name)) select(name).value = state[name] ?? "";
    if (changed("data")) cursor = hovered = null;
    if (!filtered && !changed("x", "y", "z", "view", "colour", "drawn", "pins", "chosen", "notes", "theme")) {
      if (changed("lit") && !state.z) cloud.point(state, hovered);
      return;
    }
    latest = [state, selection];
    const made = layout(state, selection);
    const wanted = JSON.stringify([made.xaxis ?? made.scene, made.yaxis ?? 0, made.paper_bgcolor]);
    if (plot.layout && changed("z")) { Plotly.purge(plot); listening = false; }
    if (state.z) cloud.clear();
    const anew = state.z || wanted !== framing || !listening;
    const first = !listening;
    if (anew) {
      framing = wanted;
      const buttons = state.z ? plotButtons.deep.slice(1) : ["select2d", ...plotButtons.flat.slice(1)];
      Plotly.react(plot, state.z ? space(state, selection) : [unseen(made)], made, plotConfig(buttons));
    }
    if (first) { listening = true; listen(); }
    if (!anew || first) repaint(); // otherwise Plotly says when its axes are there
    tellOutside(state, selection);
  }, { slow: true });
  addEventListener("beforeprint", () => Plotly.relayout(plot, { width: 680, height: 480 })); // as high as print.css says
  addEventListener("afterprint", () => Plotly.relayout(plot, { width: null, height: null, autosize: true }));

  return { plot, cloud, point: (row) => { hovered = row; if (!store.state().z) cloud.point(store.state(), row); } };
};
