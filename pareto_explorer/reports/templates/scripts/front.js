// The front figure: its groups, and the way out of the box.
document.querySelectorAll(".front").forEach((front) => {
  const plot = front.querySelector("[data-figure]");
  if (!plot) return;
  const show = () => Plotly.restyle(plot, { visible: plot.data.map((trace) => !trace.legendgroup || groups.shown().has(trace.legendgroup)) });
  groups.onChange(() => figures.whenDrawn(plot, show));
  front.addEventListener("click", async ({ target }) => {
    const button = target.closest("[data-action=view]");
    if (!button) return;
    await figures.draw(plot);
    const wide = button.getAttribute("aria-pressed") !== "true";
    const ranges = JSON.parse(front.dataset.view);
    const prefix = plot.layout.scene ? "scene." : "";
    Plotly.relayout(plot, Object.fromEntries(ranges.flatMap((range, i) => {
      const axis = `${prefix}${"xyz"[i]}axis`;
      return wide ? [[`${axis}.autorange`, true]] : [[`${axis}.range`, range], [`${axis}.autorange`, false]];
    })));
    button.setAttribute("aria-pressed", wide);
    button.textContent = wide ? "Show the box" : "Show all points";
  });
});
