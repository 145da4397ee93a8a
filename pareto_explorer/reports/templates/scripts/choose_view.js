// What the card says of a model: the same as the report's own default choice, which is there without a script.
const chooseView = (payload, model, swatchOf) => {
  const { measure, whole } = numbers;
  const unpacked = ({ values, distinct, codes }, i) => (values ? values[i] : codes[i] < 0 ? null : distinct[codes[i]]);
  const written = (mean, std) => (mean == null ? ["–"] : [measure(mean), ...(std == null ? [] : [el("small", {}, `± ${measure(std)}`)])]);
  const swatches = (family) => [swatchOf(family)].filter(Boolean);
  const familyOf = (i) => payload.families[payload.family[i]];

  const taken = (i) => [el("span", { class: "family" }, ...swatches(familyOf(i)), el("b", {}, ...breakable(familyOf(i)))), " ",
    el("span", { class: "muted" }, ...breakable(model.trialOf(i)), `, ${model.placeOf(i)}`)];
  const settings = (i) => payload.settings.texts[payload.settings.codes[i]];
  const row = (metric, k, i) => el("tr", {}, el("th", { scope: "row", title: payload.captions[k] || null }, metric.label),
    el("td", { class: "n strong" }, ...written(unpacked(metric.mean, i), unpacked(metric.std, i))),
    ...payload.landmarks.map((mark) => el("td", { class: "n" }, ...written(mark.mean[k], mark.std[k]))));
  const table = (i) => el("table", { class: "told" },
    el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "Metric"), ...["Chosen", ...payload.landmarks.map(({ title }) => title)].map((title) => el("th", { scope: "col", class: "n" }, title)))),
    el("tbody", {}, ...payload.metrics.map((metric, k) => row(metric, k, i))));

  const change = ({ change: value, error }, j) => {
    const within = error !== null && Math.abs(value) <= error ? " (within one standard error)" : "";
    return `${payload.chosen_on[j]} ${value < 0 ? "−" : "+"}${measure(Math.abs(value))}${error === null ? "" : ` ± ${measure(error)}`}${within}`;
  };
  const move = ({ row: i, parts, samples, keeps }) => {
    const told = (gains) => parts.flatMap((part, j) => (part.gains === gains ? [change(part, j)] : [])).join(", ");
    const more = [...(payload.counted && samples ? [`${samples < 0 ? "−" : "+"}${whole(Math.abs(samples))} samples`] : []), ...(keeps ? [] : ["breaks a constraint"])].join("; ");
    return el("li", {}, el("b", {}, ...breakable(familyOf(i)), ", ", ...breakable(model.trialOf(i)), `, ${model.placeOf(i)}`),
      ...[["gains", told(true)], ["loses", told(false)]].filter(([, text]) => text).map(([verb, text]) => el("span", {}, `${verb} ${text}`)),
      ...(more ? [el("span", { class: "muted" }, more)] : []));
  };
  const spreads = (part) => (payload.spreads[part] ? [el("p", { class: "spreads" }, payload.spreads[part])] : []);
  const moves = (found) => (found.length ? [el("ul", { class: "moves" }, ...found.map(move)), ...spreads("moves")] : [el("p", { class: "muted" }, "No model of the validation front is better in any objective.")]);

  // Options by which `select` takes the same model: the rule's, or its name where the rule alone would not do.
  const options = (i, question) => {
    const named = ["--trial", commands.located(payload.commands, model.trialOf(i))[1], "--step", payload.step[i], ...(payload.position[i] ? ["--position", payload.position[i]] : [])];
    const complete = payload.rows === payload.models.reduce((sum, n) => sum + n, 0);
    if (!payload.commands.by_rule || (question.oneStandardError && !complete)) return { named, chosen: named };
    return { named, chosen: [
      ...(question.rule === "closest" ? ["--rule", "closest"] : []),
      ...(question.rule === "weights" ? ["--weights", question.weights.join(",")] : []),
      ...question.bounds.flatMap(({ objective, bound, value }) => [`--${bound}`, `${payload.objectives[objective].metric}=${value}`]),
      ...(question.families ?? []).flatMap((code) => ["--family", payload.families[code]]),
      ...(question.oneStandardError ? ["--one-standard-error"] : []),
    ] };
  };
  const orders = (i, question) => {
    const parts = payload.commands;
    if (parts.run === null) return el("p", { class: "muted" }, parts.none);
    const [run, trial] = commands.located(parts, model.trialOf(i));
    const { named, chosen } = options(i, question);
    const swept = commands.swept(parts, run);
    const [, , ...place] = named;
    const lines = [
      ["Export", commands.line("select", run, ...chosen, "--export", "model.safetensors", ...swept)],
      ["Reproduce", commands.line("reproduce", run, "--trial", trial, "--replicate", parts.replicate, ...place, ...swept)],
      ["Audit", commands.line("audit", run, ...named, ...swept)],
    ];
    return el("dl", { class: "orders" }, ...lines.map(([name, text]) => el("div", {}, el("dt", {}, name), el("dd", {}, el("code", {}, text),
      el("button", { type: "button", class: "no-print", "data-copy": text, "aria-label": `Copy the command: ${name.toLowerCase()}` }, "copy")))));
  };
  const audit = (i) => (Object.hasOwn(payload.audits, model.idOf(i)) ? [el("h3", {}, "Its audit"), el("p", { class: "audited" }, payload.audits[model.idOf(i)])] : []);

  return {
    taken,
    rest: (found, question, word) => {
      const i = found.row;
      const simpler = found.simpler ? [el("p", { class: "why" }, `One standard error: ${found.simpler}.`)] : [];
      return [
        ...(settings(i) ? [el("p", { class: "settings muted" }, settings(i))] : []),
        el("p", { class: "why" }, `${word}: ${found.reason}; ${found.pickedFrom}.`), ...simpler, table(i), ...spreads("table"),
        el("h3", {}, "One step along the front"), ...moves(found.moves), ...audit(i),
        el("h3", {}, "Take it"), orders(i, question),
      ];
    },
  };
};
