// The points of the scatter plot on a canvas above its axes: many thousands at the pace of the hand.
const explorerCloud = (plot, data, pathOf) => {
  const canvas = el("canvas", { class: "dots", "aria-hidden": "true" });
  const ratio = Math.max(2, devicePixelRatio || 1);
  let places = new Map(), drawn = [], sprites = new Map(), painted = "";

  const sprite = (family, size, edge) => {
    const key = `${family} ${size} ${edge}`;
    if (!sprites.has(key)) {
      const side = Math.ceil(size * 1.6 + 4);
      const sheet = el("canvas", { width: side * ratio, height: side * ratio });
      const pen = sheet.getContext("2d");
      pen.scale(ratio, ratio);
      pen.translate(side / 2, side / 2);
      pen.scale(size / 10, size / 10);
      pen.lineWidth = 20 / size;
      pen.lineJoin = "round";
      pen.strokeStyle = data.layouts[painted].paper_bgcolor;
      pen.fillStyle = data.families[family][painted];
      const path = new Path2D(pathOf(family));
      if (edge) pen.stroke(path);
      pen.fill(path);
      sprites.set(key, [sheet, side]);
    }
    return sprites.get(key);
  };
  const scale = (axis, range, length, flipped) => {
    const [from, to] = range ?? axis.range;
    return (value) => {
      const share = ((axis.type === "log" ? Math.log10(value) : value) - from) / (to - from);
      return (flipped ? 1 - share : share) * length;
    };
  };
  const clear = () => { canvas.remove(); places = new Map(); drawn = []; };

  // `ranges` are the ends of the axes while a drag is changing them.
  const paint = (state, { others, selected }, ranges = {}) => {
    const full = plot._fullLayout;
    const host = plot.querySelector(".gl-container");
    if (canvas.parentElement !== host.parentElement) host.after(canvas);
    const [width, height] = [full.width, full.height];
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
      canvas.style.width = `${width}px`;
      canvas.style.height = `${height}px`;
    }
    if (painted !== theme.name()) { painted = theme.name(); sprites = new Map(); }
    const { l, t, w, h } = full._size;
    const x = scale(full.xaxis, ranges.x, w, false), y = scale(full.yaxis, ranges.y, h, true);
    const xs = data.columns.get(state.x).values, ys = data.columns.get(state.y).values;
    const pen = canvas.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, height);
    pen.save();
    pen.beginPath();
    pen.rect(l, t, w, h);
    pen.clip();
    places = new Map();
    const put = (rows, size, opacity, edge) => {
      pen.globalAlpha = opacity;
      for (const row of rows) {
        const [left, top] = [x(xs[row]), y(ys[row])];
        if (!(left >= -size && left <= w + size && top >= -size && top <= h + size)) continue;
        places.set(row, [l + left, t + top]);
        const [sheet, side] = sprite(data.family[row], size, edge);
        pen.drawImage(sheet, l + left - side / 2, t + top - side / 2, side, side);
      }
    };
    put(others, 6, others.length > 3000 ? 0.16 : 0.28, false);
    put(selected, selected.length > 500 ? 6.5 : 9.5, selected.length > 5000 ? 0.6 : 1, selected.length <= 500);
    pen.restore();
    pen.globalAlpha = 1;
    pen.font = `600 13px ${data.layouts[painted].font.family}`;
    pen.textAlign = "center";
    pen.lineWidth = 4;
    pen.lineJoin = "round";
    pen.strokeStyle = data.layouts[painted].paper_bgcolor;
    pen.fillStyle = data.layouts[painted].font.color;
    state.pins.forEach((row, i) => {
      const [left, top] = places.get(row) ?? [];
      if (left === undefined) return;
      pen.strokeText(pinName(i), left, top - 14);
      pen.fillText(pinName(i), left, top - 14);
    });
    drawn = [...places].reverse(); // what is on top comes first
  };
  const near = (x, y, reach = 11) => {
    let best = null, least = reach * reach;
    for (const [row, [left, top]] of drawn) {
      const distance = (left - x) ** 2 + (top - y) ** 2;
      if (distance < least) { least = distance; best = row; }
    }
    return best;
  };
  return { paint, clear, near, place: (row) => places.get(row) ?? null };
};
