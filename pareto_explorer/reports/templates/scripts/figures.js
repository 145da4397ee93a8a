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
  const draw = (plot) => Plotly.newPlot(...prepared(plot)).then(() => paint(plot)).then(() => { plot.classList.add("drawn"); });
  document.querySelectorAll("[data-figure]").forEach(draw);

  // Where a section is replaced, its figure moves into the new one with what the reader did to it.
  let moved = null;
  sections.onReplaced(
    (old) => { moved = old.querySelector("[data-figure].drawn"); },
    (fresh) => {
      const place = fresh.querySelector("[data-figure]");
      if (place && moved?.dataset.figure === place.dataset.figure) {
        moved.setAttribute("aria-label", place.getAttribute("aria-label") ?? "");
        moved.style.cssText = moved.style.cssText && place.style.cssText;
        place.replaceWith(moved);
        Plotly.react(...prepared(moved)).then(() => paint(moved));
      } else {
        if (moved) Plotly.purge(moved);
        if (place) draw(place);
      }
    },
  );
  theme.onChange(() => drawn().forEach(paint));
  addEventListener("beforeprint", () => drawn().forEach((plot) => Plotly.relayout(plot, printedSize)));
  addEventListener("afterprint", () => drawn().forEach((plot) => Plotly.relayout(plot, { width: null, height: null, autosize: true })));
})();
