// What both pens can do: the canvas's own draws for the screen, the other one writes SVG.
const ringPath = "M5 0A5 5 0 1 1-5 0 5 5 0 1 1 5 0Z";

// Draws an outline of a square from -5 to 5 so many times as large at a place.
const mark = (pen, path, x, y, scale, { fill = null, line = 0, colour = null }) => {
  if (pen.mark) { pen.mark(path, x, y, scale, { fill, line, colour }); return; }
  pen.save();
  pen.translate(x, y);
  pen.scale(scale, scale);
  const outline = new Path2D(path);
  if (line) { pen.lineWidth = line / scale; pen.strokeStyle = colour; pen.lineJoin = "round"; pen.stroke(outline); }
  if (fill) { pen.fillStyle = fill; pen.fill(outline); }
  pen.restore();
};

// A canvas with nothing on it, and its pen: a new size empties it, while on paper an erased part would take what lies below along.
const blank = (sheet, width, height, ratio) => {
  sheet.width = Math.round(width * ratio);
  sheet.height = Math.round(height * ratio);
  sheet.style.width = `${width}px`;
  sheet.style.height = `${height}px`;
  const pen = sheet.getContext("2d");
  pen.scale(ratio, ratio);
  return pen;
};

const svgPen = () => {
  const parts = [], kept = [];
  let path = "", clips = 0, groups = 0;
  const attribute = (text) => escaped(text).replaceAll('"', "&quot;");
  const round = (value) => Math.round(value * 100) / 100;
  const put = (tag, attributes, text = "") => parts.push(`<${tag} ${Object.entries(attributes).map(([name, value]) => `${name}="${attribute(value)}"`).join(" ")}>${text && escaped(text)}</${tag}>`);
  const pen = {
    strokeStyle: "#000", fillStyle: "#000", lineWidth: 1, globalAlpha: 1, font: "12px sans-serif", textAlign: "left", textBaseline: "alphabetic", dash: [],
    setLineDash: (dash) => { pen.dash = dash; },
    beginPath: () => { path = ""; },
    moveTo: (x, y) => { path += `M${round(x)} ${round(y)}`; },
    lineTo: (x, y) => { path += `L${round(x)} ${round(y)}`; },
    closePath: () => { path += "Z"; },
    rect: (x, y, w, h) => { path += `M${round(x)} ${round(y)}h${round(w)}v${round(h)}h${round(-w)}Z`; },
    stroke: () => put("path", { d: path, fill: "none", stroke: pen.strokeStyle, "stroke-width": pen.lineWidth, "stroke-linejoin": "round", opacity: pen.globalAlpha, ...(pen.dash.length ? { "stroke-dasharray": pen.dash.join(" ") } : {}) }),
    fill: () => put("path", { d: path, fill: pen.fillStyle, opacity: pen.globalAlpha }),
    fillRect: (x, y, w, h) => { pen.beginPath(); pen.rect(x, y, w, h); pen.fill(); },
    strokeRect: (x, y, w, h) => { pen.beginPath(); pen.rect(x, y, w, h); pen.stroke(); },
    save: () => { kept.push(groups); },
    restore: () => { for (const before = kept.pop(); groups > before; groups--) parts.push("</g>"); },
    clip: () => {
      const id = `clip-${clips++}`;
      parts.push(`<clipPath id="${id}"><path d="${path}"/></clipPath><g clip-path="url(#${id})">`);
      groups++;
    },
    mark: (d, x, y, scale, { fill, line, colour }) => put("path", {
      d, transform: `translate(${round(x)} ${round(y)}) scale(${round(scale)})`, fill: fill ?? "none", opacity: pen.globalAlpha,
      ...(line ? { stroke: colour, "stroke-width": round(line / scale), "stroke-linejoin": "round", "paint-order": "stroke" } : {}),
    }),
    fillText: (text, x, y) => write(text, x, y, { fill: pen.fillStyle }),
    strokeText: (text, x, y) => write(text, x, y, { fill: "none", stroke: pen.strokeStyle, "stroke-width": pen.lineWidth, "stroke-linejoin": "round" }),
    text: () => parts.join(""),
  };
  const write = (text, x, y, paint) => {
    const [, weight = "400", size, family] = pen.font.match(/^(?:(\d+) )?(\d+)px (.*)$/);
    put("text", {
      x: round(x), y: round(y), ...paint, opacity: pen.globalAlpha, "font-family": family, "font-size": size, "font-weight": weight,
      "text-anchor": pen.textAlign === "center" ? "middle" : "start", ...(pen.textBaseline === "middle" ? { "dominant-baseline": "central" } : {}),
    }, text);
  };
  return pen;
};
