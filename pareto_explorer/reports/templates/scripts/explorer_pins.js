// Pinned models beside one another, and beside the original and the retrained one.
const pinName = (index) => (index < 26 ? String.fromCharCode(65 + index) : String(index + 1));
const explorerPins = (find, store) => {
  const host = find(".pins"), empty = find("[data-part=unpinned]"), all = find("[data-do=unpin]");
  const title = document.getElementById("pinned");
  let data = null, marks = [], retrained = null, measured = [];
  const take = (next) => {
    data = next;
    marks = data.landmarks.filter(({ kind }) => kind !== "between");
    retrained = marks.find((own) => own.kind === "retrained");
    measured = data.all.filter((column) => column.group === "Objectives" || column.group === "Metrics");
  };

  const heading = (row, i) => el("th", { scope: "col" },
    el("span", { class: "family" }, familySwatch(data.familyOf(row), { line: true }), el("span", { class: "name" }, `${pinName(i)}  `, ...breakable(data.familyOf(row).name))),
    el("small", {}, ...breakable(data.trialOf(row)), `, ${data.placeOf(row)}`),
    el("button", { type: "button", class: "no-print", "data-unpin": data.idOf(row), "aria-label": `Unpin ${data.trialOf(row)}, ${data.placeOf(row)}`, onclick: () => store.dispatch({ type: "pin", id: data.idOf(row) }) }, "Unpin"));
  const part = (title, width) => el("tr", { class: "part" }, el("th", { scope: "rowgroup", colspan: width }, title));
  const away = (column, row) => {
    const target = retrained?.mean[column.key];
    if (target == null || column.label.toLowerCase().includes("gap")) return [];
    const difference = column.values[row] - target;
    const sign = difference < 0 ? "−" : "+";
    return [el("small", { class: "away" }, `${sign}${data.measure(Math.abs(difference))} from retrained`)];
  };
  const metricLine = (column, rows) => el("tr", {}, el("th", { scope: "row", title: column.note }, column.label),
    ...rows.map((row) => {
      const spread = column.spread?.[row];
      return el("td", {}, data.measure(column.values[row]), ...(spread >= 0 ? [el("span", { class: "muted" }, ` ± ${data.measure(spread)}`)] : []), ...away(column, row));
    }),
    ...marks.map((own) => el("td", { class: "mark" }, own.mean[column.key] == null ? "–" : data.measure(own.mean[column.key]))));
  const plainLine = (column, rows) => {
    const texts = rows.map((row) => data.write(column, column.values[row]));
    return el("tr", { class: column.group === "Knobs" && new Set(texts).size > 1 ? "differs" : "" }, el("th", { scope: "row" }, column.label), ...texts.map((text) => el("td", {}, text)), ...marks.map(() => el("td", { class: "mark" })));
  };
  const copyButton = (label, text, name) => el("button", { type: "button", "data-copy": text, title: text, "aria-label": name }, label);
  const located = (row) => commands.located(data, data.trialOf(row));
  const commandLines = (rows) => {
    if (data.run === null) return [el("tr", {}, el("td", { colspan: rows.length + marks.length + 1, class: "muted" }, data.no_commands))];
    const again = (row, replicate) => { const [run, trial] = located(row); return commands.line("reproduce", run, "--trial", trial, "--replicate", replicate, ...data.placeOptions(row), ...commands.swept(data, run)); };
    const exported = (row) => { const [run, trial] = located(row); return commands.line("select", run, "--trial", trial, ...data.placeOptions(row), "--export", "model.safetensors", ...commands.swept(data, run)); };
    const blank = () => marks.map(() => el("td", { class: "mark" }));
    return [
      el("tr", { class: "commands" }, el("th", { scope: "row" }, "Run a replicate again"), ...rows.map((row) => el("td", {}, el("span", { class: "copies no-print" }, ...data.replicates.map((replicate) => copyButton(replicate, again(row, replicate), `Copy the command that re-runs replicate ${replicate}`))), el("code", {}, again(row, data.replicates[0])))), ...blank()),
      el("tr", { class: "commands" }, el("th", { scope: "row" }, "Write the weights to a file"), ...rows.map((row) => el("td", {}, el("span", { class: "copies no-print" }, copyButton("copy", exported(row), "Copy the command that writes the weights to a file")), el("code", {}, exported(row)))), ...blank()),
    ];
  };
  const set = (column, rows) => rows.some((row) => !Number.isNaN(column.values[row]));

  // Notes on a model; only a page that is served can keep a new one.
  const served = () => live.available;
  const trying = async (button, act, done) => {
    button.disabled = true;
    try { await act(); said.textContent = done; } catch (error) { said.textContent = `That was not kept: ${error.message}`; }
    button.disabled = false;
  };
  const noteCell = (row, notes) => {
    const id = data.idOf(row);
    const back = (time) => el("button", { type: "button", class: "no-print", onclick: ({ target }) => trying(target, () => live.takeBack(id, time), "note taken back") }, "Take back");
    const told = (notes[id] ?? []).map(({ text, time }) => el("p", { class: "noted", title: time ?? "" }, text, ...(served() ? [" ", back(time)] : [])));
    if (!served()) return el("td", {}, ...(told.length ? told : ["–"]));
    const area = el("textarea", { rows: 2, "aria-label": `Note on ${data.trialOf(row)}, ${data.placeOf(row)}`, "data-note": id });
    const keep = async () => { await live.note(id, area.value.trim()); area.value = ""; };
    return el("td", {}, ...told, area, el("button", { type: "button", class: "no-print", onclick: ({ target }) => { if (area.value.trim()) trying(target, keep, "note kept"); } }, "Keep note"));
  };
  const noteLines = (rows, notes, width) => (served() || rows.some((row) => notes[data.idOf(row)])
    ? [part("Notes", width), el("tr", { class: "notes" }, el("th", { scope: "row" }, "Note"), ...rows.map((row) => noteCell(row, notes)), ...marks.map(() => el("td", { class: "mark" })))]
    : []);

  store.add((state, _, changed) => {
    if (!changed("data", "pins", "theme", "notes")) return;
    if (changed("data")) take(state.data);
    if (changed("pins")) document.dispatchEvent(new CustomEvent("pinned", { detail: { ids: [...state.pins] } }));
    const rows = state.pins.map((id) => data.rowOf.get(id)).filter((row) => row !== undefined);
    const had = host.contains(document.activeElement);
    const writing = new Map([...host.querySelectorAll("[data-note]")].map((area) => [area.dataset.note, area.value]));
    host.hidden = all.hidden = !rows.length;
    empty.hidden = Boolean(rows.length);
    if (!rows.length) { host.replaceChildren(); if (had) title.focus(); return; }
    const focused = document.activeElement?.dataset?.note;
    const width = rows.length + marks.length + 1;
    const cost = ["step", "position", "samples", "seconds"].map((key) => data.columns.get(key)).filter(Boolean);
    const diagnostics = data.all.filter((column) => column.group === "Diagnostics" && set(column, rows));
    const knobs = data.knobs.filter((knob) => set(knob, rows));
    host.replaceChildren(el("table", {},
      el("thead", {}, el("tr", {}, el("td"), ...rows.map(heading), ...marks.map((own) => el("th", { scope: "col", class: "mark" }, own.title)))),
      el("tbody", {}, part("Configuration", width), ...[...knobs, ...cost].map((column) => plainLine(column, rows)),
        ...noteLines(rows, state.notes, width),
        part("Metrics, mean ± standard deviation over replicates", width), ...measured.filter((column) => set(column, rows)).map((column) => metricLine(column, rows)),
        part("Commands", width), ...commandLines(rows),
        ...(diagnostics.length ? [part("Diagnostics", width), ...diagnostics.map((column) => plainLine(column, rows))] : []))));
    host.querySelectorAll("[data-note]").forEach((area) => { area.value = writing.get(area.dataset.note) ?? ""; });
    if (had) (host.querySelector(focused ? `[data-note="${CSS.escape(focused)}"]` : "[data-unpin]") ?? title).focus();
  });
};
