// The figures that were drawn beforehand, in the colours of the page.
const plotConfig = (buttons) => ({
  displaylogo: false, responsive: true, plotlyServerURL: "",
  displayModeBar: screens.narrow.matches || screens.touch.matches ? false : "hover",
  modeBarButtons: [buttons], // a list of what may be there: Plotly's own would offer to upload the figure
  toImageButtonOptions: { format: "svg", filename: document.title },
});
const plotButtons = {
  flat: ["toImage", "zoom2d", "pan2d", "zoomIn2d", "zoomOut2d", "resetScale2d"],
  deep: ["toImage", "zoom3d", "pan3d", "orbitRotation", "resetCameraDefault3d"],
};
const printedSize = { width: 680, height: 480 };

(() => {
  const drawn = () => [...document.querySelectorAll("[data-figure].js-plotly-plot")];
  const paint = (plot) => {
    const { traces, layout } = sections.figure(plot.dataset.figure)[theme.name()];
    return Plotly.update(plot, traces, layout);
  };
  // Plotly writes into what it is given, and keeps what the reader did to axes as long as `uirevision` stays.
  const prepared = (plot) => {
    const { data, layout } = structuredClone(sections.figure(plot.dataset.figure));
    delete layout.height;
    layout.uirevision = plot.dataset.figure;
    layout.dragmode = screens.touch.matches ? false : layout.scene ? "orbit" : "zoom"; // a finger scrolls the page
    if (screens.narrow.matches) layout.margin = { ...layout.margin, l: 8, r: 8 };
    return [plot, data, layout, plotConfig(layout.scene ? plotButtons.deep : plotButtons.flat)];
  };
  const narrowed = (plot) => {
    const change = plot.layout.meta?.narrow;
    if (!change || !screens.narrow.matches) return undefined;
    plot.dataset.narrow = plot.layout.meta.narrow_height;
    plot.style.setProperty("--height", `${plot.dataset.narrow}px`);
    return Plotly.relayout(plot, change).then(() => Plotly.Plots.resize(plot));
  };
  const draw = (plot) => Plotly.newPlot(...prepared(plot)).then(() => paint(plot)).then(() => narrowed(plot)).then(() => { plot.classList.add("drawn"); });
  document.querySelectorAll("[data-figure]").forEach(draw);

  // Where a section is replaced, its figure moves into the new one with what the reader did to it.
  let moved = null;
  sections.onReplaced(
    (old) => { moved = old.querySelector("[data-figure].drawn"); },
    (fresh) => {
      const place = fresh.querySelector("[data-figure]"), plot = moved;
      if (place && plot?.dataset.figure === place.dataset.figure) {
        plot.setAttribute("aria-label", place.getAttribute("aria-label"));
        plot.style.setProperty("--height", place.style.getPropertyValue("--height"));
        place.replaceWith(plot);
        Plotly.react(...prepared(plot)).then(() => paint(plot)).then(() => narrowed(plot));
      } else {
        if (plot) Plotly.purge(plot);
        if (place) draw(place);
      }
    },
  );
  theme.onChange(() => drawn().forEach(paint));
  addEventListener("beforeprint", () => drawn().forEach((plot) => Plotly.relayout(plot, printedSize)));
  addEventListener("beforeprint", () => drawn().filter((plot) => plot.dataset.narrow).forEach((plot) => {
    Plotly.relayout(plot, { height: Number(plot.dataset.narrow) });
  }));
  addEventListener("afterprint", () => drawn().forEach((plot) => Plotly.relayout(plot, { width: null, height: null, autosize: true })));
})();
