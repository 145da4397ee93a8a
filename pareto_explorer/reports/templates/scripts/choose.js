// The choice: a rule and its numbers, the model that they take, and the same again when the run goes on.
(() => {
  const rules = {
    knee: ["Knee", "The highest trade-off: every step away from it loses the most for what it gains."],
    closest: ["Closest", "The nearest to the ideal, by its worst objective in shares of the box."],
    weights: ["Weights", "The model whose strengths along the front are nearest to how much each objective matters."],
    tolerance: ["Tolerance", "The best in the first objective without a tolerance, among the models that keep those given."],
  };
  const start = (root, first) => {
    let payload, model, view;
    const swatchOf = (family) => [...root.querySelectorAll("[data-family]")].find((each) => each.dataset.family === family)?.firstElementChild.cloneNode(true);
    const state = { rule: "knee", weights: first.objectives.map(() => 1), tolerances: first.objectives.map(() => null), family: "", simplest: false };

    // Numbers as one types them: 0.02, 2 %, 1e-3; null for nothing, NaN for anything else.
    const parsed = (text) => {
      if (!text.trim()) return null;
      const [, number, percent] = text.trim().replace(",", ".").match(/^([-+]?[\d.]+(?:e[-+]?\d+)?)\s*(%?)$/i) ?? [];
      return number === undefined ? NaN : percent && !/e/i.test(number) ? Number(`${number}e-2`) : percent ? Number(number) / 100 : Number(number);
    };
    // The state as text: weights:0.3,0.7~simplest~family:cup/kl_heldout; nothing for the knee of all.
    const kept = () => {
      const { weights, tolerances, family, simplest, rule } = state;
      const numbersOf = { weights, tolerance: tolerances.map((value) => value ?? "") }[rule];
      const text = [numbersOf ? `${rule}:${numbersOf.join()}` : rule, ...(simplest ? ["simplest"] : []), ...(family ? [`family:${family}`] : [])].join("~");
      return text === "knee" ? "" : text;
    };
    const restore = (text) => {
      const [, rule, list = "", simplest, family = ""] = (text || "knee").match(/^(\w+)(?::([^~]*))?(~simplest)?(?:~family:(.*))?$/) ?? [];
      if (!Object.hasOwn(rules, rule ?? "")) return;
      Object.assign(state, { rule, family, simplest: Boolean(simplest) && first.replicates > 1 });
      const given = list.split(",").map(parsed);
      if (given.length !== first.objectives.length || given.some(Number.isNaN)) return;
      if (rule === "weights") state.weights = given.map((value) => value ?? 0);
      if (rule === "tolerance") state.tolerances = given;
    };

    // Controls: one slider and one field for each objective, under weights and under tolerance.
    const dial = (name, values, j, ends, words) => {
      const label = words(payload.objectives[j]);
      const slider = el("input", { type: "range", min: 0, max: 1000, "aria-label": `${label}, slider` });
      const field = el("input", { type: "text", inputmode: "decimal", autocomplete: "off", "aria-label": label, placeholder: name === "tolerance" ? "any" : "0" });
      slider.addEventListener("input", () => {
        const [good, bad] = ends(j), share = slider.value / 1000;
        const value = good + share * (bad - good);
        values()[j] = name === "tolerance" && share === 1 ? null : Number(value.toPrecision(3));
        show({ except: slider });
      });
      field.addEventListener("input", () => {
        const value = parsed(field.value);
        field.setAttribute("aria-invalid", Number.isNaN(value));
        if (Number.isNaN(value)) return;
        values()[j] = name === "weights" ? value ?? 0 : value;
        show({ except: field });
      });
      const line = el("div", { class: "dial" }, el("span", {}, label), slider, field);
      const place = (except) => {
        const [good, bad] = ends(j), value = values()[j];
        const text = value === null ? "" : String(value);
        if (except !== field && parsed(field.value) !== value) field.value = text;
        if (except !== field) field.setAttribute("aria-invalid", false);
        if (except !== slider) slider.value = value === null ? 1000 : 1000 * Math.min(1, Math.max(0, (value - good) / (bad - good || 1)));
        slider.setAttribute("aria-valuetext", text || "any");
      };
      return { line, place };
    };
    const tolerated = ({ direction }) => (direction === "min" ? "at most" : "at least");
    const endsOfFront = (j) => { // the tolerances that make a difference
      const values = chooseRules.front(model.points).map((i) => model.inMetricUnits[i][j]);
      const [low, high] = [Math.min(...values), Math.max(...values)];
      return payload.objectives[j].direction === "min" ? [low, high] : [high, low];
    };
    let ends = [];
    payload = first;
    const dials = {
      weights: first.objectives.map((_, j) => dial("weights", () => state.weights, j, () => [0, 1], (objective) => objective.label)),
      tolerance: first.objectives.map((_, j) => dial("tolerance", () => state.tolerances, j, () => ends[j], (objective) => `${objective.label} ${tolerated(objective)}`)),
    };
    const buttons = Object.entries(rules).map(([rule, [word]]) => el("button", { type: "button", "data-rule": rule, onclick: () => {
      if (rule === "tolerance" && state.tolerances.every((value) => value === null)) startTolerance();
      state.rule = rule;
      show();
    } }, word));
    const note = el("p", { class: "muted" });
    const simplest = el("input", { type: "checkbox", onchange: () => { state.simplest = simplest.checked; show(); } });
    const family = el("select", { onchange: () => { state.family = family.value; show(); } });
    const pin = el("button", { type: "button", onclick: () => document.dispatchEvent(new CustomEvent("pin", { detail: { id: model.idOf(found.row) } })) }, "Pin");
    const limit = el("p", { class: "muted" });
    const groups = Object.entries(dials).map(([rule, lines]) => el("div", { class: "dials", "data-dials": rule }, ...lines.map(({ line }) => line)));
    const form = root.querySelector(".rules");
    form.addEventListener("submit", (event) => event.preventDefault());
    form.replaceChildren(el("div", { class: "choice", role: "group", "aria-label": "Rule" }, ...buttons), note, ...groups,
      el("div", { class: "more" },
        ...(first.replicates > 1 ? [el("label", { class: "check", title: "The earliest model, with the fewest samples and then the fewest knobs, that is not distinguishable from the rule's choice" }, simplest, "one standard error")] : []),
        el("label", { class: "among" }, "among ", family), pin), limit);
    form.hidden = false;

    let found = null, question = null;
    const startTolerance = () => { // the last objective as the model taken so far has it, rounded to the side on which that keeps it
      const j = payload.objectives.length - 1, { direction } = payload.objectives[j];
      const value = model.inMetricUnits[found?.row ?? 0][j], unit = 10 ** (Math.floor(Math.log10(Math.abs(value) || 1)) - 1);
      const rounded = direction === "min" ? Math.ceil(value / unit) : Math.floor(value / unit);
      state.tolerances[j] = Number((rounded * unit).toPrecision(3));
    };
    const asked = () => {
      const code = payload.families.indexOf(state.family);
      const bounds = state.tolerances.flatMap((value, objective) => (value === null ? [] : [{ objective, value, bound: payload.objectives[objective].direction === "min" ? "max" : "min" }]))
        .sort((a, b) => (a.bound < b.bound ? -1 : a.bound > b.bound ? 1 : 0)); // as `select` reads them
      return { rule: state.rule, weights: state.weights, bounds: state.rule === "tolerance" ? bounds : [], families: code < 0 ? null : [code], oneStandardError: state.simplest };
    };
    const missing = ({ rule, weights, bounds }) => {
      if (rule === "tolerance" && !bounds.length) return "Type a tolerance, for example 2 % or 0.02, or move a slider.";
      if (rule === "weights" && (weights.some((weight) => weight < 0) || !weights.some((weight) => weight > 0))) return "Give numbers that are not negative and not all 0.";
      return null;
    };
    const show = ({ except = null } = {}) => {
      question = asked();
      const problem = missing(question);
      found = problem ? { problem } : model.choose(question);
      buttons.forEach((button) => button.setAttribute("aria-pressed", button.dataset.rule === state.rule));
      note.textContent = rules[state.rule][1];
      groups.forEach((group) => { group.hidden = group.dataset.dials !== state.rule; });
      dials[state.rule]?.forEach(({ place }) => place(except));
      simplest.checked = state.simplest;
      family.value = state.family;
      pin.disabled = Boolean(found.problem);
      const here = payload.rows, models = payload.models.reduce((sum, n) => sum + n, 0);
      limit.hidden = !state.simplest || here === models;
      limit.textContent = `One standard error looks at ${numbers.whole(here)} of ${numbers.whole(models)} models here: every family's front and what is nearest to the front of all. The command looks at all.`;
      const taken = root.querySelector(".taken"), rest = root.querySelector(".rest");
      const now = el("p", {}, ...(found.problem ? [el("b", {}, problem ? "Nothing is chosen." : "No model keeps this.")] : view.taken(found.row)));
      if (taken.textContent !== now.textContent) taken.replaceChildren(...now.childNodes); // what is the same is not announced again
      rest.replaceChildren(...(found.problem ? [el("p", { class: "why" }, found.problem)] : view.rest(found, question, rules[state.rule][0])));
      address.set("choose", kept());
      const chosen = found.problem ? { ids: [], candidates: [] } : { ids: [model.idOf(found.row)], candidates: found.candidates.map(model.idOf) };
      document.dispatchEvent(new CustomEvent("chosen", { detail: chosen }));
    };
    const take = (next) => {
      payload = next;
      model = chooseModel(payload);
      view = chooseView(payload, model, swatchOf);
      ends = payload.objectives.map((_, j) => endsOfFront(j));
      family.replaceChildren(el("option", { value: "" }, "all families"), ...payload.families.map((name) => el("option", {}, name)));
      if (!payload.families.includes(state.family)) state.family = "";
      show();
    };
    restore(address.get("choose"));
    address.onChange(() => { restore(address.get("choose")); show(); });
    take(first);
    return take;
  };

  let host = null, take = null;
  const update = (payload) => {
    const root = document.querySelector(".choose");
    if (!root || !payload) return;
    if (root === host) return take(payload);
    host = root; // the first model of a run that goes on brings the card's markup
    take = start(root, payload);
  };
  sections.onPayload("choose", update);
  update(sections.payload("choose"));
})();
