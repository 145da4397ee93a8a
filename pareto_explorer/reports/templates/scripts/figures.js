// The figures that were made beforehand, each drawn when it comes near the screen.
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

const figures = (() => {
  const drawing = new Map(); // of those that are drawn: the promise of it
  const partOf = (plot) => sections.figure(plot.dataset.figure);
  const all = () => [...document.querySelectorAll("[data-figure]")];

  // Data and layout are changed in place, under paths such as "annotations[0].font.color".
  const put = (node, path, value) => {
    const keys = path.match(/[^.[\]]+/g);
    const last = keys.pop();
    keys.reduce((inner, key) => (inner[key] ??= {}), node)[last] = value;
  };
  const putAll = (node, changes) => Object.entries(changes).forEach(([path, value]) => put(node, path, value));
  const inTheme = (figure, { traces, layout }) => {
    for (const [path, values] of Object.entries(traces)) values.forEach((value, i) => { if (value !== null) put(figure.data[i], path, value); });
    putAll(figure.layout, layout);
    return figure;
  };

  // Plotly writes into what it is given, and keeps what the reader did to axes as long as `uirevision` stays.
  const prepared = (plot) => {
    const part = structuredClone(partOf(plot));
    const { data, layout } = inTheme(part, part[theme.name()]);
    delete layout.height;
    layout.uirevision = plot.dataset.figure;
    layout.dragmode = screens.touch.matches ? false : layout.scene ? "orbit" : "zoom"; // a finger scrolls the page
    if (screens.narrow.matches) {
      layout.margin = { ...layout.margin, l: 8, r: 8 };
      if (layout.meta?.narrow) {
        putAll(layout, layout.meta.narrow);
        plot.dataset.narrow = layout.meta.narrow_height;
        plot.style.setProperty("--height", `${layout.meta.narrow_height}px`);
      }
    }
    return [plot, data, layout, plotConfig(layout.scene ? plotButtons.deep : plotButtons.flat)];
  };

  // Draws a figure unless it is drawn.
  const draw = (plot) => {
    if (drawing.has(plot)) return drawing.get(plot);
    const drawn = Plotly.newPlot(...prepared(plot));
    plot.classList.add("drawn");
    drawing.set(plot, drawn);
    return drawn;
  };

  const near = new IntersectionObserver((entries) => entries.forEach(({ isIntersecting, target }) => {
    if (!isIntersecting) return;
    near.unobserve(target);
    draw(target);
  }), { rootMargin: "300px" });
  all().forEach((plot) => near.observe(plot));
  theme.onChange((name) => drawing.forEach((_, plot) => Plotly.update(plot, partOf(plot)[name].traces, partOf(plot)[name].layout)));

  // Where a section is replaced, its figure moves into the new one with what the reader did to it.
  sections.onReplaced((old, fresh) => {
    const [plot, place] = [old, fresh].map((section) => section?.querySelector("[data-figure]"));
    if (place && plot && drawing.has(plot) && plot.dataset.figure === place.dataset.figure) {
      plot.setAttribute("aria-label", place.getAttribute("aria-label"));
      plot.style.setProperty("--height", place.style.getPropertyValue("--height"));
      place.replaceWith(plot);
      drawing.set(plot, Plotly.react(...prepared(plot)));
      return;
    }
    if (plot && drawing.delete(plot)) Plotly.purge(plot);
    if (place) near.observe(place);
  });

  // A figure as it is now, in the colours of paper.
  const onPaper = (plot) => {
    const size = { width: plot.clientWidth, height: plot.clientHeight };
    return inTheme(structuredClone({ data: plot.data, layout: { ...plot.layout, ...size } }), partOf(plot).light);
  };
  return { draw, onPaper, all };
})();
