// What is known of the point under the pointer.
const explorerTip = (data) => {
  const tip = el("div", { class: "tip no-print", hidden: true, "aria-hidden": "true" });
  document.body.append(tip);
  const measured = [...data.columns.values()].filter((column) => column.group === "Objectives" || column.group === "Metrics");
  const line = (column, row) => {
    if (Number.isNaN(column.values[row])) return [];
    const spread = column.spread?.[row];
    const value = data.measure(column.values[row]) + (spread >= 0 ? ` ± ${data.measure(spread)}` : "");
    return [el("dt", {}, column.label), el("dd", {}, value)];
  };
  const place = ({ clientX, clientY }) => {
    const { width, height } = tip.getBoundingClientRect();
    const left = clientX + 18 + width > innerWidth ? clientX - 18 - width : clientX + 18;
    tip.style.left = `${Math.max(8, Math.min(left, innerWidth - width - 8))}px`;
    tip.style.top = `${Math.max(8, Math.min(clientY - height / 2, innerHeight - height - 8))}px`;
  };
  return {
    show: (row, event) => {
      const settings = data.settings(row).map(([name, value]) => el("p", {}, `${name} = ${value}`));
      tip.replaceChildren(
        el("b", {}, data.familyOf(row).name),
        el("p", {}, `trial ${data.trialOf(row)}, ${data.placeOf(row)}`),
        el("p", {}, data.seeds),
        el("div", {}, ...(settings.length ? settings : [el("p", {}, "no knobs")])),
        el("dl", {}, ...measured.flatMap((column) => line(column, row))),
      );
      tip.hidden = false;
      place(event);
    },
    hide: () => { tip.hidden = true; },
  };
};
