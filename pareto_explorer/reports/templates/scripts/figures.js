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
  const plots = []; // those that were drawn: what is folded waits until it is opened
  const paint = (plot) => {
    const { traces, layout } = sections.figure(plot.dataset.figure)[theme.name()];
    return Plotly.update(plot, traces, layout);
  };
  const draw = (plot) => {
    plots.push(plot);
    const { data, layout } = sections.figure(plot.dataset.figure);
    delete layout.height;
    layout.dragmode = screens.touch.matches ? false : layout.scene ? "orbit" : "zoom"; // a finger scrolls the page
    if (screens.narrow.matches) layout.margin = { ...layout.margin, l: 8, r: 8 };
    Plotly.newPlot(plot, data, layout, plotConfig(layout.scene ? plotButtons.deep : plotButtons.flat))
      .then(() => paint(plot)).then(() => {
        plot.classList.add("drawn");
        plot.dispatchEvent(new Event("drawn", { bubbles: true }));
      });
  };
  const drawIn = (part) => part.querySelectorAll("[data-figure]").forEach((plot) => {
    if (!plots.includes(plot) && !plot.closest("details:not([open])")) draw(plot);
  });
  drawIn(document);
  document.addEventListener("toggle", ({ target }) => drawIn(target), true);
  theme.onChange(() => plots.forEach(paint));
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll("main details:not([open])")];
    opened.forEach((fold) => { fold.open = true; });
    drawIn(document);
    plots.forEach((plot) => Plotly.relayout(plot, printedSize));
  });
  addEventListener("afterprint", () => opened.forEach((fold) => { fold.open = false; }));
  addEventListener("afterprint", () => plots.forEach((plot) => Plotly.relayout(plot, { width: null, height: null, autosize: true })));
})();
