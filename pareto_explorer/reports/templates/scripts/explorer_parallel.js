// Parallel coordinates: a line for each point, an axis for each column, limits at the axis's ends.
const explorerParallel = (find, store) => {
  const most = { selected: 500, others: 250 }; // more lines than this look like one surface
  const top = 10, missingRoom = 26, reach = 260;
  const note = find("[data-part=lines]"), host = find(".parallel");
  const canvas = el("canvas", { "aria-hidden": "true" });
  const marked = el("canvas", { "aria-hidden": "true" });
  const plane = el("div", { class: "plane" }, canvas, marked);
  host.append(plane);
  let axes = [], last = null, data = null, seen = false, stale = false;

  const place = (column) => {
    const [low, high] = column.texts ? [-0.5, column.texts.length - 0.5] : column.ends;
    const bottom = reach - missingRoom;
    const scale = (value) => (column.log ? Math.log(value) : value);
    const from = scale(low), span = scale(high) - from;
    return {
      y: (value) => {
        if (Number.isNaN(value)) return reach - 6;
        const share = span ? (scale(value) - from) / span : 0.5;
        return bottom - Math.max(0, Math.min(1, share)) * (bottom - top);
      },
      value: (y) => {
        const share = Math.max(0, Math.min(1, (bottom - y) / (bottom - top)));
        return column.log ? Math.exp(from + share * span) : from + share * span;
      },
    };
  };
  const setRange = (column, range) => store.dispatch({ type: "ranges", ranges: { [column.key]: range } });
  const typed = (text) => (text.trim() === "" ? null : Number(text.trim().replace(",", ".")));

  const written = (range, side) => (Number.isFinite(range?.[side]) ? data.number(range[side], 4) : "");

  const limit = (column, side) => {
    const end = data.number(column.ends[side === "low" ? 0 : 1], 3);
    return el("input", {
      type: "text", inputmode: "decimal", placeholder: end, "data-side": side,
      "aria-label": `${column.label}: ${side === "low" ? "at least" : "at most"}`,
      onchange: ({ target }) => {
        const value = typed(target.value);
        if (Number.isNaN(value)) { target.value = written(store.state().ranges[column.key], side); return; }
        const old = store.state().ranges[column.key] ?? { low: -Infinity, high: Infinity };
        const range = { ...old, [side]: value ?? (side === "low" ? -Infinity : Infinity) };
        setRange(column, range.low === -Infinity && range.high === Infinity ? null : range);
      },
    });
  };
  const choice = (column) => el("select", {
    "aria-label": `${column.label}: only`,
    onchange: ({ target }) => setRange(column, target.value === "" ? null : { texts: [target.value.slice(1)] }),
  }, el("option", { value: "" }, "any"), ...column.texts.map((text) => el("option", { value: `=${text}` }, text)), el("option", { value: "several", hidden: true, disabled: true }, "several"));

  const brush = (track, axis) => {
    let from = null, moved = false;
    const at = (event) => event.clientY - track.getBoundingClientRect().top;
    const range = (to) => {
      const [low, high] = [axis.scale.value(from), axis.scale.value(to)].sort((a, b) => a - b);
      return axis.column.texts ? { texts: axis.column.texts.filter((_, code) => code >= low && code <= high) } : { low, high };
    };
    track.addEventListener("pointerdown", (event) => { from = at(event); moved = false; track.setPointerCapture(event.pointerId); });
    track.addEventListener("pointermove", (event) => {
      if (from === null || (!moved && Math.abs(at(event) - from) < 4)) return;
      moved = true;
      setRange(axis.column, range(at(event)));
    });
    const end = () => { if (from !== null && !moved) setRange(axis.column, null); from = null; };
    track.addEventListener("pointerup", end);
    track.addEventListener("pointercancel", () => { from = null; });
    track.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && store.state().ranges[axis.column.key]) { setRange(axis.column, null); event.stopPropagation(); return; }
      if (event.key !== "ArrowUp" && event.key !== "ArrowDown") return;
      setRange(axis.column, (axis.column.texts ? stepped : nudged)(axis, event.key === "ArrowUp" ? 1 : -1, event.shiftKey));
      event.preventDefault();
    });
  };
  // The arrow keys move the upper limit by a twentieth of the axis, with Shift the lower one.
  const nudged = ({ column, scale }, sign, lower) => {
    const range = store.state().ranges[column.key] ?? { low: -Infinity, high: Infinity };
    const side = lower ? "low" : "high";
    const [least, most] = column.ends;
    const now = Number.isFinite(range[side]) ? range[side] : lower ? least : most;
    const value = scale.value(scale.y(now) - (sign * (reach - missingRoom - top)) / 20);
    const open = lower ? value <= least : value >= most;
    const next = { ...range, [side]: open ? (lower ? -Infinity : Infinity) : value };
    return next.low === -Infinity && next.high === Infinity ? null : next;
  };
  // Of texts, they go from one to the next.
  const stepped = ({ column: { key, texts } }, sign) => {
    const range = store.state().ranges[key];
    const code = range ? texts.indexOf(range.texts[0]) + sign : sign > 0 ? 0 : texts.length - 1;
    return texts[code] === undefined ? null : { texts: [texts[code]] };
  };

  const build = (keys) => {
    axes.forEach((axis) => axis.node.remove());
    axes = keys.map((key) => {
      const column = data.columns.get(key);
      const better = { min: " ↓", max: " ↑" }[column.direction] ?? "";
      const track = el("div", { class: "track", title: "Drag to filter, click to clear", tabindex: 0, role: "group", "aria-label": `${column.label}: arrow up and down move the upper limit, with Shift the lower one, Escape clears` });
      const node = el("div", { class: "dimension" },
        el("span", { class: "title", title: column.note || column.label }, ...breakable(column.label), better),
        column.texts ? el("span", { class: "blank" }) : limit(column, "high"), track, column.texts ? choice(column) : limit(column, "low"));
      const axis = { column, node, track, scale: place(column), missing: column.values.some(Number.isNaN) };
      brush(track, axis);
      return axis;
    });
    plane.append(...axes.map((axis) => axis.node));
    plane.style.setProperty("--axes", axes.length);
  };

  const show = (state) => axes.forEach(({ column, node }) => {
    const range = state.ranges[column.key];
    node.classList.toggle("active", Boolean(range));
    for (const field of node.querySelectorAll("input")) {
      if (field !== document.activeElement) field.value = written(range, field.dataset.side); // not while somebody types
    }
    const list = node.querySelector("select");
    if (list) list.value = !range ? "" : range.texts.length === 1 ? `=${range.texts[0]}` : "several";
  });

  const prepared = (sheet) => {
    const box = plane.getBoundingClientRect();
    const height = axes.length ? axes[0].track.offsetTop + reach + 2 : 0;
    return blank(sheet, box.width, height, Math.max(2, devicePixelRatio || 1));
  };
  const spots = () => axes.map(({ node, track }) => ({ x: node.offsetLeft + node.offsetWidth / 2, y: track.offsetTop }));
  const path = (pen, row, places) => {
    pen.beginPath();
    axes.forEach(({ column, scale }, i) => pen[i ? "lineTo" : "moveTo"](places[i].x, places[i].y + scale.y(column.values[row])));
    pen.stroke();
  };
  const sample = (rows, number) => (rows.length <= number ? rows : Array.from({ length: number }, (_, i) => rows[Math.floor((i * rows.length) / number)]));

  const draw = ({ now = false } = {}) => { // what nobody sees waits until somebody does
    stale = !seen && !now;
    host.setAttribute("aria-busy", stale);
    if (!stale) write(prepared(canvas), ...last);
  };
  const write = (pen, state, selection) => {
    const places = spots();
    const base = data.layouts[state.theme];
    const colours = explorerColours(data, state.colour, state.theme);
    const muted = base.xaxis.linecolor;
    const others = sample(selection.others, most.others), selected = sample(selection.selected, most.selected);
    pen.lineJoin = "round";
    pen.lineWidth = 1;
    pen.strokeStyle = muted;
    pen.globalAlpha = others.length > 300 ? 0.07 : 0.12;
    others.forEach((row) => path(pen, row, places));
    pen.globalAlpha = selected.length > 400 ? 0.25 : selected.length > 60 ? 0.5 : 0.9;
    pen.lineWidth = selected.length > 60 ? 1.2 : 1.8;
    selected.forEach((row) => { pen.strokeStyle = colours.css[colours.of(row)]; path(pen, row, places); });
    pen.globalAlpha = 1;
    pen.lineWidth = 2.5;
    pen.strokeStyle = base.font.color;
    [...state.pins, ...state.chosen].map((id) => data.rowOf.get(id)).filter((row) => row !== undefined).forEach((row) => path(pen, row, places));
    axes.forEach((axis, i) => drawAxis(pen, axis, places[i], state.ranges[axis.column.key], base));
    const parts = [[selected.length, selection.selected.length, "selected points"], [others.length, selection.others.length, "others"]].filter(([drawn, all]) => drawn < all);
    note.hidden = !parts.length;
    note.textContent = `Lines are drawn for ${parts.map(([drawn, all, what]) => `${drawn.toLocaleString("en")} of ${all.toLocaleString("en")} ${what}`).join(" and ")}.`;
  };
  const drawAxis = (pen, { column, scale, missing }, { x, y }, range, base) => {
    const bottom = y + reach - missingRoom;
    pen.lineWidth = 1;
    pen.strokeStyle = base.xaxis.linecolor;
    pen.beginPath();
    pen.moveTo(x, y + top);
    pen.lineTo(x, bottom);
    pen.stroke();
    pen.font = `12px ${base.font.family}`;
    pen.textAlign = "left";
    pen.textBaseline = "middle";
    const label = (text, height) => {
      const short = text.length > 13 ? `${text.slice(0, 12)}…` : text;
      pen.lineWidth = 4;
      pen.strokeStyle = base.paper_bgcolor;
      pen.strokeText(short, x + 7, height);
      pen.fillStyle = base.xaxis.tickfont.color;
      pen.fillText(short, x + 7, height);
    };
    if (column.texts && column.texts.length <= 12) column.texts.forEach((text, code) => label(text, y + scale.y(code)));
    if (missing) label("not set", y + reach - 6);
    if (!range) return;
    const codes = range.texts?.map((text) => column.texts.indexOf(text));
    const [from, to] = codes
      ? [Math.min(...codes) - 0.4, Math.max(...codes) + 0.4]
      : [Number.isFinite(range.low) ? range.low : column.ends[0], Number.isFinite(range.high) ? range.high : column.ends[1]];
    if (!(from <= to)) return;
    pen.fillStyle = pen.strokeStyle = theme.accent();
    pen.lineWidth = 1.5;
    pen.globalAlpha = 0.18;
    pen.fillRect(x - 7, y + scale.y(to), 14, Math.max(2, scale.y(from) - scale.y(to)));
    pen.globalAlpha = 1;
    pen.strokeRect(x - 7, y + scale.y(to), 14, Math.max(2, scale.y(from) - scale.y(to)));
  };

  const list = find(".dimensions > div");
  let boxes = [];
  const offer = () => {
    boxes = data.chosenFrom.map((column) => {
      const box = el("input", { type: "checkbox", onchange: ({ target }) => store.dispatch({ type: "dimension", key: column.key, on: target.checked }) });
      return { column, box, node: el("label", {}, box, ` ${column.label}`) };
    });
    list.replaceChildren(...[...new Set(boxes.map(({ column }) => column.group))].map((group) => el("fieldset", {}, el("legend", {}, group), ...boxes.filter(({ column }) => column.group === group).map(({ node }) => node))));
  };

  store.add((state, selection, changed, filtered) => {
    if (changed("data")) { data = state.data; offer(); }
    if (changed("data", "dimensions")) {
      build(state.dimensions.filter((key) => data.columns.has(key)));
      boxes.forEach(({ column, box }) => { box.checked = state.dimensions.includes(column.key); });
    }
    if (changed("data", "dimensions", "ranges")) show(state);
    last = [state, selection];
    if (filtered || changed("dimensions", "pins", "chosen", "colour", "theme")) draw();
  });
  new ResizeObserver(() => last && draw()).observe(plane);
  new IntersectionObserver((entries) => { seen = entries.at(-1).isIntersecting; if (seen && stale) draw(); }, { rootMargin: "200px" }).observe(host);
  addEventListener("beforeprint", () => { if (stale) draw({ now: true }); });

  return {
    size: () => { const { width } = plane.getBoundingClientRect(); return [width, axes.length ? axes[0].track.offsetTop + reach + 2 : 0]; },
    heads: () => axes.map(({ column, node }, i) => ({
      title: node.querySelector(".title").textContent, ...spots()[i], ...(column.texts ? { low: "", high: "" } : { low: data.number(column.ends[0], 3), high: data.number(column.ends[1], 3) }),
    })),
    write: (pen) => write(pen, ...last),
    point: (row) => {
      const pen = prepared(marked);
      if (row === null) return;
      pen.lineWidth = 2.5;
      const state = store.state();
      const colours = explorerColours(data, state.colour, state.theme);
      pen.strokeStyle = colours.css[colours.of(row)];
      path(pen, row, spots());
    },
  };
};
