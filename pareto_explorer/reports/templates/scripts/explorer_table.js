// The selected points as a table: sorted by any column, a page at a time.
const explorerTable = (find, store, point) => {
  const size = screens.narrow.matches ? 4 : 10;
  const table = find("table.points"), pager = find(".pager"), same = find("[data-part=same]"), search = find("[data-search]");
  let data = null;
  const shownIn = (state) => [...new Set([...["step", "position"].filter((key) => data.columns.has(key)), ...data.table, state.x, state.y, ...(state.z ? [state.z] : []), state.colour, ...Object.keys(state.ranges)])]
    .map((key) => data.columns.get(key)).filter((column) => column && column.group !== "Knobs" && column.key !== "family" && !column.same);
  const familyName = (row) => data.familyOf(row).name;
  let sorted = [], columns = [];

  const order = (rows, { key, descending }) => {
    const sign = descending ? -1 : 1;
    if (key === "family") return [...rows].sort((a, b) => sign * (data.family[a] - data.family[b]) || a - b);
    const { values } = data.columns.get(key);
    return [...rows].sort((a, b) => {
      const [p, q] = [values[a], values[b]];
      return Number.isNaN(p) ? (Number.isNaN(q) ? a - b : 1) : Number.isNaN(q) ? -1 : sign * (p - q) || a - b;
    });
  };
  const sortButton = (key, label, best, sort) => {
    const current = sort.key === key;
    const arrow = current ? (sort.descending ? " ↓" : " ↑") : "";
    return [current ? (sort.descending ? "descending" : "ascending") : "none", el("button", { type: "button", class: "sort", "data-sort": key, onclick: () => store.dispatch({ type: "sort", key, descending: best === "max" }) }, label, el("span", { "aria-hidden": "true" }, arrow))];
  };
  const head = (state) => {
    const focused = table.contains(document.activeElement) && document.activeElement.dataset.sort;
    const [state0, button0] = sortButton("family", "Family and configuration", null, state.sort);
    const cells = columns.map((column) => {
      const [sort, button] = sortButton(column.key, column.label, column.best, state.sort);
      return el("th", { scope: "col", class: "n", "aria-sort": sort }, button);
    });
    table.tHead.replaceChildren(el("tr", {}, el("th", { scope: "col", "aria-sort": state0 }, button0), ...cells, el("th", { scope: "col", class: "no-print" }, el("span", { class: "unseen" }, "Pin"))));
    if (focused) table.querySelector(`[data-sort="${CSS.escape(focused)}"]`)?.focus();
  };
  const cell = (column, row) => {
    const spread = column.spread?.[row];
    return el("td", { class: "n", "data-label": column.label }, data.write(column, column.values[row]), ...(spread >= 0 && column.group !== "Cost" ? [el("small", {}, `±${data.measure(spread)}`)] : []));
  };
  const line = (row, { pins, notes }) => {
    const id = data.idOf(row);
    const settings = data.settings(row).flatMap(([name, value], i) => [i ? ", " : "", el("span", {}, `${name} = ${value}`)]);
    const button = el("button", { type: "button", class: "pin", "aria-pressed": String(pins.includes(id)), "aria-label": `Pin ${familyName(row)}, ${data.trialOf(row)}, ${data.placeOf(row)}`, onclick: () => store.dispatch({ type: "pin", id }), onfocus: () => point(row), onblur: () => point(null) }, pins.includes(id) ? "Unpin" : "Pin");
    return el("tr", { "data-id": id, onpointerenter: () => point(row), onpointerleave: () => point(null) },
      el("th", { scope: "row" }, el("span", { class: "family" }, familySwatch(data.familyOf(row)), el("span", { class: "name" }, ...breakable(familyName(row)))), el("span", { class: "knobs" }, ...(settings.length ? settings : ["no knobs of its own"])),
        ...(notes[id] ?? []).map(({ text }) => el("span", { class: "noted" }, `✎ ${text}`))),
      ...columns.map((column) => cell(column, row)), el("td", { class: "again no-print" }, button));
  };
  const body = (state) => {
    const from = state.page * size;
    const rows = sorted.slice(from, from + size);
    table.tBodies[0].replaceChildren(...(rows.length ? rows.map((row) => line(row, state)) : [el("tr", {}, el("td", { colspan: columns.length + 2, class: "muted" }, "No point passes the filters and the search."))]));
    pager.hidden = sorted.length <= size;
    pager.querySelector("span").textContent = `${(from + 1).toLocaleString("en")}–${(from + rows.length).toLocaleString("en")} of ${sorted.length.toLocaleString("en")}`;
    pager.querySelector("[data-do=previous]").disabled = from === 0;
    pager.querySelector("[data-do=next]").disabled = from + size >= sorted.length;
  };

  store.add((state, selection, changed, filtered) => {
    if (changed("data")) {
      data = state.data;
      same.hidden = !data.same.length;
      same.textContent = `The same wherever it is set: ${data.same.map(([name, value]) => `${name} = ${value}`).join(", ")}.`;
    }
    if (changed("search") && search !== document.activeElement) search.value = state.search; // not while somebody types
    const asked = changed("data", "x", "y", "z", "colour", "ranges");
    if (asked) columns = shownIn(state);
    if (filtered || changed("sort")) sorted = order(selection.selected, state.sort);
    if (asked || changed("sort")) head(state);
    if (asked || filtered || changed("sort", "page", "notes")) body(state);
    else if (changed("pins")) table.querySelectorAll(".pin").forEach((button) => {
      const pinned = state.pins.includes(button.closest("tr").dataset.id);
      button.setAttribute("aria-pressed", pinned);
      button.textContent = pinned ? "Unpin" : "Pin";
    });
  }, { slow: true });

  let typing = null;
  search.addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(() => store.dispatch({ type: "search", text: search.value }), 150);
  });
  return {
    order: () => sorted,
    csv: () => {
      const all = data.all.filter(({ key }) => key !== "family");
      const names = ["family", "trial_id", ...all.flatMap((column) => (column.spread ? [column.key, `${column.key}.std`] : [column.key]))];
      const value = (column, row) => (column.texts ? column.texts[column.values[row]] : column.values[row]);
      const lines = sorted.map((row) => csvLine([familyName(row), data.trialOf(row), ...all.flatMap((column) => (column.spread ? [value(column, row), column.spread[row]] : [value(column, row)]))]));
      return `${[csvLine(names), ...lines].join("\n")}\n`;
    },
  };
};
