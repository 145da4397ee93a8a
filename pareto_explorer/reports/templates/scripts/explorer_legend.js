// Families as chips with their marks and hypervolumes, and what else may be drawn; all made from the data.
const drawing = (tag, attributes, ...children) => {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
};
const dashes = { solid: [], dash: [6, 4], dot: [2, 3], dashdot: [6, 3, 2, 3], longdash: [11, 4], longdashdot: [10, 3, 2, 3] };
const framed = (attributes, ...children) => drawing("svg", { class: "swatch", height: 14, "aria-hidden": "true", ...attributes }, ...children);
const familySwatch = (family, { line = false } = {}) => {
  const stroke = { fill: "none", stroke: "currentColor", "stroke-width": 2, "stroke-dasharray": dashes[family.dash].join(" ") || "none" };
  return framed({ ...(line ? { width: 32, viewBox: "-16 -7 32 14" } : { width: 14, viewBox: "-7 -7 14 14" }), style: `--on-light:${family.light};--on-dark:${family.dark}` },
    ...(line ? [drawing("path", { ...stroke, d: "M-16 0H16" })] : []), drawing("path", { fill: "currentColor", d: family.path }));
};
const landmarkSwatch = ({ path, line }) => framed({ width: 14, viewBox: "-7 -7 14 14" },
  drawing("path", { d: path, fill: line ? "none" : "currentColor", stroke: line ? "currentColor" : "none", "stroke-width": line }));
const diamond = "M0-6 6 0 0 6-6 0Z";
const landmarksInSpace = { original: { path: "M-5-5H5V5H-5Z", line: 1.5 }, retrained: { path: diamond, line: 0 }, between: { path: diamond, line: 1.5 } }; // as Plotly draws them there
const lineSwatch = (attributes) => framed({ width: 20, viewBox: "-10 -7 20 14" }, drawing("path", { fill: "none", stroke: "currentColor", ...attributes }));

const explorerLegend = (find, store) => {
  const list = find(".families"), switches = find(".switches");
  const press = (button, pressed) => button.setAttribute("aria-pressed", pressed);
  const names = () => store.state().data.families.map(({ name }) => name);
  const hide = (hidden) => store.dispatch({ type: "hide", hidden: new Set(hidden) });
  const toggle = (name) => {
    const { hidden } = store.state();
    hide(hidden.has(name) ? [...hidden].filter((other) => other !== name) : [...hidden, name]);
  };
  const light = (lit) => ({
    onpointerenter: ({ pointerType }) => { if (pointerType === "mouse") store.dispatch({ type: "set", values: { lit } }); },
    onpointerleave: () => store.dispatch({ type: "set", values: { lit: null } }),
    onfocusin: () => store.dispatch({ type: "set", values: { lit } }),
    onfocusout: () => store.dispatch({ type: "set", values: { lit: null } }),
  });
  const chip = (family) => el("li", light(family.name),
    el("button", { type: "button", class: "entry", "data-family": family.name, onclick: () => toggle(family.name) },
      el("span", { class: "mark" }), el("span", { class: "name" }, ...breakable(family.name)), el("span", { class: "value", title: "hypervolume, mean over replicates" })),
    el("button", { type: "button", class: "only no-print", "aria-label": `Show ${family.name} alone`, onclick: () => hide(names().filter((name) => name !== family.name)) }, "only"));
  const choice = (what, swatch, title) => el("button", { type: "button", class: "entry", "data-draw": what, onclick: () => store.dispatch({ type: "draw", what }) }, swatch, el("span", { class: "name" }, title));
  const choices = ({ data, z }) => {
    const flat = data.axes.length === 2;
    return [
      ...data.landmarks.map(({ kind, title, shape }) => choice(kind, landmarkSwatch(z ? landmarksInSpace[kind] : shape), title)),
      choice("box", lineSwatch({ d: "M-9-5H9V5H-9Z", "stroke-dasharray": "2 2" }), "Box and reference point"),
      ...(flat ? [
        choice("pooled", lineSwatch({ d: "M-10 0H10", "stroke-width": 6, opacity: 0.35 }), "Front of all families"),
        choice("stairs", lineSwatch({ d: "M-9-5V0H0V5H9", "stroke-width": 1.5 }), "Families' staircases"),
        choice("trails", lineSwatch({ d: "M-9 4-3-3 3 2 9-5" }), "Trajectories of trials"),
      ] : []),
    ];
  };
  find(".legend").addEventListener("click", ({ target }) => {
    const all = target.closest("[data-families]")?.dataset.families;
    if (all) hide(all === "all" ? [] : names());
  });
  let order = "";
  store.add((state, _, changed) => {
    if (!changed("data", "hidden", "drawn", "colour", "z")) return;
    const families = [...state.data.families].sort((a, b) => b.volume - a.volume);
    const wanted = families.map(({ name }) => name).join("\n");
    if (order !== wanted) { // only then, so that the focus stays where it is
      order = wanted;
      list.replaceChildren(...families.map(chip));
    }
    if (changed("data", "z")) switches.replaceChildren(...choices(state));
    const line = state.drawn.has("stairs") && state.data.axes.length === 2;
    families.forEach((family, i) => {
      const button = list.children[i].firstElementChild;
      press(button, !state.hidden.has(family.name));
      button.querySelector(".mark").replaceChildren(familySwatch(family, { line }));
      button.querySelector(".value").textContent = family.volume.toFixed(3);
    });
    list.classList.toggle("plain", state.colour !== "family");
    switches.querySelectorAll("[data-draw]").forEach((button) => press(button, state.drawn.has(button.dataset.draw)));
  });
};
