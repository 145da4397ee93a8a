// Families to pick and views to switch, for every figure that offers them.
(() => {
  const plotOf = (node) => node.closest(".card").querySelector("[data-figure]");
  document.addEventListener("click", ({ target }) => {
    const button = target.closest("[data-pick], [data-view-name], [data-more]");
    if (!button) return;
    if ("more" in button.dataset) {
      button.closest("p").previousElementSibling.querySelector(".rest").hidden = false;
      button.closest("p").remove();
      return;
    }
    const plot = plotOf(button);
    if ("pick" in button.dataset) {
      const shown = button.getAttribute("aria-pressed") !== "true";
      button.setAttribute("aria-pressed", shown);
      const chosen = plot.data.flatMap((trace, i) => (trace.legendgroup === button.dataset.pick ? [i] : []));
      Plotly.restyle(plot, { visible: shown }, chosen);
      return;
    }
    const name = button.dataset.viewName;
    button.parentElement.querySelectorAll("button").forEach((other) => other.setAttribute("aria-pressed", other === button));
    const layout = plot.layout.meta.views[name];
    const chosen = plot.data.flatMap((trace, i) => (trace.meta?.views ? [i] : []));
    if (!chosen.length) { Plotly.relayout(plot, layout); return; }
    const views = chosen.map((i) => plot.data[i].meta.views[name]);
    const changes = Object.fromEntries(Object.keys(Object.assign({}, ...views)).map((key) => [key, views.map((view) => view[key])]));
    Plotly.update(plot, changes, layout, chosen);
  });
})();
