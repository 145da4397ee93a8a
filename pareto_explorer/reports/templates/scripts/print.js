// On paper, what is folded lies open, and every figure is there: as wide as a page after print.css has made it smaller, and no higher.
(() => {
  const folded = () => [...document.querySelectorAll("details:not([open], .no-print)")];
  const page = { width: 904, height: 1160 };
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = folded();
    opened.forEach((part) => { part.open = true; });
    figures.all().forEach((plot) => {
      figures.draw(plot);
      Plotly.relayout(plot, { width: page.width, height: Math.min(plot.clientHeight, page.height) });
    });
  });
  addEventListener("afterprint", () => {
    figures.all().forEach((plot) => Plotly.relayout(plot, { width: null, height: null, autosize: true }));
    opened.forEach((part) => { part.open = false; });
  });
})();
