// Pinned models beside one another, and beside the original and the retrained one.
const pinName = (index) => (index < 26 ? String.fromCharCode(65 + index) : String(index + 1));
const explorerPins = (root, data, store, swatchOf) => {
  const host = root.querySelector(".pins");
  const empty = root.querySelector("[data-part=unpinned]");
  const all = root.querySelector("[data-do=unpin]");
  const quoted = (word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'"'"'`)}'`);
  const command = (...words) => ["pareto-explorer", ...words.map((word) => quoted(String(word)))].join(" ");
  const located = (row) => { // where several runs are together, a trial's name begins with that of its run
    const [name, ...own] = data.trialOf(row).split(data.member_mark);
    return Object.hasOwn(data.members, name) && own.length ? [data.members[name], own.join(data.member_mark)] : [data.run, data.trialOf(row)];
  };
  const marks = data.landmarks;
  const retrained = marks.find((mark) => mark.kind === "retrained");
  const measured = [...data.columns.values()].filter((column) => column.group === "Objectives" || column.group === "Metrics");

  const heading = (row, i) => el("th", { scope: "col" },
    el("span", { class: "family" }, swatchOf(row), el("span", { class: "name" }, `${pinName(i)}  `, ...breakable(data.familyOf(row).name))),
    el("small", {}, ...breakable(data.trialOf(row)), `, ${data.placeOf(row)}`),
    el("button", { type: "button", class: "no-print", "data-unpin": row, "aria-label": `Unpin ${data.trialOf(row)}, ${data.placeOf(row)}`, onclick: () => store.dispatch({ type: "pin", row }) }, "Unpin"));
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
    ...marks.map((mark) => el("td", { class: "mark" }, mark.mean[column.key] == null ? "–" : data.measure(mark.mean[column.key]))));
  const plainLine = (column, rows) => {
    const texts = rows.map((row) => data.write(column, column.values[row]));
    return el("tr", { class: column.group === "Knobs" && new Set(texts).size > 1 ? "differs" : "" }, el("th", { scope: "row" }, column.label), ...texts.map((text) => el("td", {}, text)), ...marks.map(() => el("td", { class: "mark" })));
  };
  const copyButton = (label, text, name) => el("button", { type: "button", "data-copy": text, title: text, "aria-label": name }, label);
  const commands = (rows) => {
    if (data.run === null) return [el("tr", {}, el("td", { colspan: rows.length + marks.length + 1, class: "muted" }, data.no_commands))];
    const swept = (run) => (Object.hasOwn(data.swept, run) ? ["--space", data.swept[run]] : []); // code of the user's own
    const again = (row, replicate) => { const [run, trial] = located(row); return command("reproduce", run, "--trial", trial, "--replicate", replicate, ...data.placeOptions(row), ...swept(run)); };
    const exported = (row) => { const [run, trial] = located(row); return command("select", run, "--trial", trial, ...data.placeOptions(row), "--export", "model.safetensors", ...swept(run)); };
    const blank = () => marks.map(() => el("td", { class: "mark" }));
    return [
      el("tr", { class: "commands" }, el("th", { scope: "row" }, "Run a replicate again"), ...rows.map((row) => el("td", {}, el("span", { class: "copies no-print" }, ...data.replicates.map((replicate) => copyButton(replicate, again(row, replicate), `Copy the command that re-runs replicate ${replicate}`))), el("code", {}, again(row, data.replicates[0])))), ...blank()),
      el("tr", { class: "commands" }, el("th", { scope: "row" }, "Write the weights to a file"), ...rows.map((row) => el("td", {}, el("span", { class: "copies no-print" }, copyButton("copy", exported(row), "Copy the command that writes the weights to a file")), el("code", {}, exported(row)))), ...blank()),
    ];
  };
  const set = (column, rows) => rows.some((row) => !Number.isNaN(column.values[row]));

  store.add((state, _, changed) => {
    if (!changed("pins", "theme")) return;
    const rows = state.pins;
    const had = host.contains(document.activeElement);
    host.hidden = all.hidden = !rows.length;
    empty.hidden = Boolean(rows.length);
    if (!rows.length) { host.replaceChildren(); if (had) root.querySelector("#pinned").focus(); return; }
    const width = rows.length + marks.length + 1;
    const cost = ["step", "position", "samples", "seconds"].map((key) => data.columns.get(key)).filter(Boolean);
    const diagnostics = [...data.columns.values()].filter((column) => column.group === "Diagnostics" && set(column, rows));
    const knobs = data.knobs.filter((knob) => set(knob, rows));
    host.replaceChildren(el("table", {},
      el("thead", {}, el("tr", {}, el("td"), ...rows.map(heading), ...marks.map((mark) => el("th", { scope: "col", class: "mark" }, mark.title)))),
      el("tbody", {}, part("Configuration", width), ...[...knobs, ...cost].map((column) => plainLine(column, rows)),
        part("Metrics, mean ± standard deviation over replicates", width), ...measured.filter((column) => set(column, rows)).map((column) => metricLine(column, rows)),
        part("Commands", width), ...commands(rows),
        ...(diagnostics.length ? [part("Diagnostics", width), ...diagnostics.map((column) => plainLine(column, rows))] : []))));
    if (had) (host.querySelector("[data-unpin]") ?? root.querySelector("#pinned")).focus();
  });
};
