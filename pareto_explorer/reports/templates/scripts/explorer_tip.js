// What is known of the point under the pointer.
const explorerTip = (store) => {
  const tip = el("div", { class: "tip no-print", hidden: true, "aria-hidden": "true" });
  document.body.append(tip);
  const measured = (data) => data.all.filter((column) => column.group === "Objectives" || column.group === "Metrics");
  const line = (data, column, row) => {
    if (Number.isNaN(column.values[row])) return [];
    const spread = column.spread?.[row];
    const value = data.measure(column.values[row]) + (spread >= 0 ? ` ± ${data.measure(spread)}` : "");
    return [el("dt", {}, column.label), el("dd", {}, value)];
  };
  const place = ({ clientX, clientY }) => {
    tip.hidden = false;
    const { width, height } = tip.getBoundingClientRect();
    const left = clientX + 18 + width > innerWidth ? clientX - 18 - width : clientX + 18;
    tip.style.left = `${Math.max(8, Math.min(left, innerWidth - width - 8))}px`;
    tip.style.top = `${Math.max(8, Math.min(clientY - height / 2, innerHeight - height - 8))}px`;
  };
  let told = null;
  return {
    show: (row, event) => {
      const { data, notes } = store.state();
      if (told !== row || tip.hidden) {
        told = row;
        const settings = data.settings(row).map(([name, value]) => el("p", {}, `${name} = ${value}`));
        const status = data.columns.get("trial_status");
        tip.replaceChildren(
          el("b", {}, data.familyOf(row).name),
          el("p", {}, `trial ${data.trialOf(row)}, ${data.placeOf(row)}${status && !status.same ? `, ${data.text("trial_status", row)}` : ""}`),
          el("p", {}, data.seeds),
          el("div", {}, ...(settings.length ? settings : [el("p", {}, "no knobs of its own")])),
          el("dl", {}, ...measured(data).flatMap((column) => line(data, column, row))),
          ...(notes[data.idOf(row)] ?? []).map(({ text }) => el("p", { class: "noted" }, `✎ ${text}`)),
        );
      }
      place(event);
    },
    landmark: ({ landmark, index }, event) => {
      told = null;
      const { data } = store.state();
      const values = Object.entries(landmark.values).filter(([key, own]) => data.columns.has(key) && own[index] !== null);
      tip.replaceChildren(
        el("b", {}, landmark.title), el("p", {}, landmark.seeds[index]),
        el("dl", {}, ...values.flatMap(([key, own]) => [el("dt", {}, data.columns.get(key).label), el("dd", {}, data.measure(own[index]))])),
      );
      place(event);
    },
    hide: () => { tip.hidden = true; },
  };
};
