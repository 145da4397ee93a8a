// Plotly with the trace types that the project's figures have. Scatter comes with the core.
"use strict";
const Plotly = require("plotly.js/lib/core");
Plotly.register(require("plotly.js/lib/bar"));

// A third of the code draws in three dimensions; it runs when the first such figure is drawn.
for (const name of ["newPlot", "react", "addTraces"]) {
  const draw = Plotly[name];
  Plotly[name] = (plot, traces, ...rest) => {
    if ([traces].flat().some((trace) => trace?.type === "scatter3d")) Plotly.register(require("plotly.js/lib/scatter3d"));
    return draw(plot, traces, ...rest);
  };
}

module.exports = Plotly;
