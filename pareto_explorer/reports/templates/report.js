"use strict";
(() => {
  const figures = JSON.parse(document.getElementById("figures").textContent);
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const narrow = matchMedia("(max-width: 760px)");
  const touch = matchMedia("(pointer: coarse)");
  const said = document.getElementById("said");
  // A list of what may be there: Plotly's own would offer to upload the figure.
  const buttons = {
    flat: ["toImage", "zoom2d", "pan2d", "zoomIn2d", "zoomOut2d", "resetScale2d"],
    deep: ["toImage", "zoom3d", "pan3d", "orbitRotation", "resetCameraDefault3d"],
  };
  const config = (layout) => ({
    displaylogo: false, responsive: true, plotlyServerURL: "",
    displayModeBar: narrow.matches || touch.matches ? false : "hover",
    modeBarButtons: [layout.scene ? buttons.deep : buttons.flat],
    toImageButtonOptions: { format: "svg", filename: document.title },
  });

  const paint = (plot, theme) => {
    const { traces, layout } = figures[plot.dataset.figure][theme];
    return Plotly.update(plot, traces, layout);
  };
  const repaint = (theme) => plots.forEach((plot) => paint(plot, theme));
  const theme = () => (dark.matches ? "dark" : "light");

  const plots = [...document.querySelectorAll("[data-figure]")];
  plots.forEach((plot) => {
    const { data, layout } = figures[plot.dataset.figure];
    delete layout.height;
    layout.dragmode = touch.matches ? false : layout.scene ? "orbit" : "zoom"; // a finger scrolls the page
    if (narrow.matches) layout.margin = { ...layout.margin, l: 8, r: 8 };
    Plotly.newPlot(plot, data, layout, config(layout)).then(() => paint(plot, theme())).then(() => { plot.style.visibility = "visible"; });
  });
  dark.addEventListener("change", () => repaint(theme()));
  addEventListener("beforeprint", () => {
    repaint("light");
    plots.forEach((plot) => Plotly.relayout(plot, { width: 680, height: 480 }));
  });
  addEventListener("afterprint", () => {
    repaint(theme());
    plots.forEach((plot) => Plotly.relayout(plot, { width: null, height: null, autosize: true }));
  });

  document.querySelectorAll(".front").forEach((front) => {
    const plot = front.querySelector("[data-figure]");
    const entries = [...front.querySelectorAll("[data-group]")];
    const families = entries.filter((entry) => entry.closest(".families"));
    const show = (wanted) => {
      const shown = new Set(entries.filter(wanted).map((entry) => entry.dataset.group));
      entries.forEach((entry) => entry.setAttribute("aria-pressed", shown.has(entry.dataset.group)));
      const visible = plot.data.map((trace) => !trace.legendgroup || shown.has(trace.legendgroup));
      Plotly.restyle(plot, { visible });
    };
    const pressed = (entry) => entry.getAttribute("aria-pressed") === "true";
    const keepOthers = (wanted) => show((entry) => (families.includes(entry) ? wanted(entry) : pressed(entry)));
    front.addEventListener("click", ({ target }) => {
      const button = target.closest("button");
      if (!button) return;
      const { group, only, action } = button.dataset;
      if (group) show((entry) => pressed(entry) !== (entry === button));
      if (only) keepOthers((entry) => entry.dataset.group === only);
      if (action === "all") keepOthers(() => true);
      if (action === "none") keepOthers(() => false);
      if (action === "view") {
        const wide = button.getAttribute("aria-pressed") !== "true";
        const ranges = JSON.parse(front.dataset.view);
        const prefix = plot.layout.scene ? "scene." : "";
        Plotly.relayout(plot, Object.fromEntries(ranges.flatMap((range, i) => {
          const axis = `${prefix}${"xyz"[i]}axis`;
          return wide ? [[`${axis}.autorange`, true]] : [[`${axis}.range`, range], [`${axis}.autorange`, false]];
        })));
        button.setAttribute("aria-pressed", wide);
        button.textContent = wide ? "Show the box" : "Show all points";
      }
    });
  });

  const copy = async (text) => {
    if (navigator.clipboard && window.isSecureContext) {
      try { return await navigator.clipboard.writeText(text); } catch { /* not allowed: the old way below */ }
    }
    const area = Object.assign(document.createElement("textarea"), { value: text });
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  };
  document.addEventListener("click", async ({ target }) => {
    const button = target.closest("[data-copy]");
    if (!button || button.dataset.label) return;
    await copy(button.dataset.copy);
    button.dataset.label = button.textContent;
    button.textContent = "✓";
    said.textContent = "copied";
    setTimeout(() => { button.textContent = button.dataset.label; delete button.dataset.label; said.textContent = ""; }, 1200);
  });
})();
