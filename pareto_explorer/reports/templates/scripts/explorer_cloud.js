// The pixels of a mark, to set thousands of them in a fraction of the time that the canvas itself takes.
const stampPixels = (sheet, ratio) => {
  const side = sheet.width;
  const { data } = sheet.getContext("2d").getImageData(0, 0, side, side);
  const set = Array.from({ length: side * side }, (_, i) => i).filter((i) => data[4 * i + 3] > 8);
  return {
    xs: Int16Array.from(set, (i) => (i % side) - side / 2), ys: Int16Array.from(set, (i) => Math.floor(i / side) - side / 2),
    alphas: Float32Array.from(set, (i) => data[4 * i + 3] / 255), colour: set.length ? [0, 1, 2].map((part) => data[4 * set[set.length >> 1] + part]) : [0, 0, 0], ratio,
  };
};
const setStamp = ({ data, width, height }, { xs, ys, alphas, colour: [red, green, blue], ratio }, x, y, opacity) => {
  const left = Math.round(x * ratio), top = Math.round(y * ratio);
  for (let i = 0; i < xs.length; i++) {
    const column = left + xs[i], row = top + ys[i];
    if (column < 0 || row < 0 || column >= width || row >= height) continue;
    const at = 4 * (row * width + column), over = alphas[i] * opacity, under = (data[at + 3] / 255) * (1 - over), sum = over + under;
    data[at] = (red * over + data[at] * under) / sum;
    data[at + 1] = (green * over + data[at + 1] * under) / sum;
    data[at + 2] = (blue * over + data[at + 2] * under) / sum;
    data[at + 3] = 255 * sum;
  }
};

// What Plotly's axes frame, on a canvas above them: many thousands of points at the pace of the hand.
const explorerCloud = (plot) => {
  const canvas = el("canvas", { class: "dots", "aria-hidden": "true" });
  const over = el("canvas", { class: "dots over", "aria-hidden": "true" }); // of what is pointed at
  const ratio = Math.max(2, devicePixelRatio || 1);
  let places = { rows: [], xs: [], ys: [], length: 0 }, at = new Map(), marks = [], frame = null, latest = null, pointed = false;

  const inksOf = (state) => {
    const { paper_bgcolor: paper, font, xaxis } = state.data.layouts[state.theme];
    return { paper, text: font.color, font: font.family, muted: xaxis.linecolor };
  };
  const scale = (axis, range, start, length, flipped) => {
    const [from, to] = range ?? axis.range;
    const log = axis.type === "log";
    return (value) => {
      const share = ((log ? Math.log10(value) : value) - from) / (to - from);
      return start + (flipped ? 1 - share : share) * length;
    };
  };
  // `ranges` are the ends of the axes while a drag is changing them.
  const framed = (ranges = {}) => {
    const { width, height, xaxis, yaxis, _size: { l, t, w, h } } = plot._fullLayout;
    return { width, height, l, t, w, h, x: scale(xaxis, ranges.x, l, w, false), y: scale(yaxis, ranges.y, t, h, true) };
  };
  const cleared = (sheet) => {
    const pen = blank(sheet, frame.width, frame.height, ratio);
    pen.lineJoin = "round";
    return pen;
  };
  const stamps = (inks) => {
    const made = new Map();
    return (path, colour, size, edge) => {
      const key = `${path} ${colour} ${size} ${edge}`;
      if (!made.has(key)) {
        const side = Math.ceil(size * 1.6 + 4);
        const own = el("canvas", { width: side * ratio, height: side * ratio });
        const pen = own.getContext("2d", { willReadFrequently: true });
        pen.scale(ratio, ratio);
        mark(pen, path, side / 2, side / 2, size / 10, { fill: colour, line: edge ? 2 : 0, colour: inks.paper });
        made.set(key, [own, side]);
      }
      return made.get(key);
    };
  };
  let stamp = null, stamped = "", pixels = new Map();
  const sheet = el("canvas");
  const crowd = 2000; // more points than this are set pixel by pixel

  const points = (pen, state, { others, selected }, colours, inks) => {
    const xs = state.data.columns.get(state.x).values, ys = state.data.columns.get(state.y).values;
    const { l, t, w, h } = frame;
    const total = others.length + selected.length;
    const found = { rows: new Int32Array(total), xs: new Float32Array(total), ys: new Float32Array(total), length: 0 };
    const looks = new Map(); // by family and colour
    const many = !pen.mark && total > crowd;
    if (many) [sheet.width, sheet.height] = [canvas.width, canvas.height];
    const image = many ? sheet.getContext("2d").createImageData(sheet.width, sheet.height) : null;
    const put = (rows, size, opacity, edge) => {
      looks.clear();
      pen.globalAlpha = opacity;
      for (const row of rows) {
        const left = frame.x(xs[row]), top = frame.y(ys[row]);
        if (!(left >= l - size && left <= l + w + size && top >= t - size && top <= t + h + size)) continue;
        found.rows[found.length] = row;
        found.xs[found.length] = left;
        found.ys[found.length++] = top;
        const family = state.data.family[row], colour = colours.of(row), look = family * 4096 + colour;
        if (pen.mark) { mark(pen, state.data.families[family].path, left, top, size / 10, { fill: colours.css[colour], line: edge ? 2 : 0, colour: inks.paper }); continue; }
        if (!looks.has(look)) looks.set(look, stamp(state.data.families[family].path, colours.css[colour], size, edge));
        const [own, side] = looks.get(look);
        if (many) setStamp(image, pixelsOf(own), left, top, opacity);
        else pen.drawImage(own, left - side / 2, top - side / 2, side, side);
      }
    };
    put(others, 6, others.length > 3000 ? 0.16 : 0.28, false);
    put(selected, selected.length > 500 ? 6.5 : 9.5, selected.length > 5000 ? 0.6 : 1, selected.length <= 500);
    pen.globalAlpha = 1;
    if (many) {
      sheet.getContext("2d").putImageData(image, 0, 0);
      pen.drawImage(sheet, 0, 0, frame.width, frame.height);
    }
    return found;
  };
  const pixelsOf = (own) => {
    if (!pixels.has(own)) pixels.set(own, stampPixels(own, ratio));
    return pixels.get(own);
  };
  const noted = (pen, state, place, inks) => Object.keys(state.notes).forEach((id) => {
    const [x, y] = place(state.data.rowOf.get(id)) ?? [];
    if (x !== undefined) explorerLayers.label(pen, "✎", x + 11, y + 4, inks);
  });
  // The whole picture with either pen; gives the places of points and landmarks.
  const picture = (pen, state, selection) => {
    const inks = inksOf(state), colours = explorerColours(state.data, state.colour, state.theme);
    pen.save();
    pen.beginPath();
    pen.rect(frame.l, frame.t, frame.w, frame.h);
    pen.clip();
    explorerLayers.band(pen, frame, state);
    explorerLayers.box(pen, frame, state, inks);
    explorerLayers.stairs(pen, frame, state, inks);
    const colourOf = (row) => colours.css[colours.of(row)];
    if (state.drawn.has("trails")) {
      const trials = new Map(selection.selected.map((row) => [state.data.trial.codes[row], row]));
      for (const row of trials.values()) explorerLayers.way(pen, frame, state, row, colourOf(row), { width: 1, alpha: trials.size > 100 ? 0.2 : 0.5 });
    }
    const held = [...state.pins, ...state.chosen].map((id) => state.data.rowOf.get(id)).filter((row) => row !== undefined);
    for (const row of held) explorerLayers.way(pen, frame, state, row, colourOf(row));
    const found = points(pen, state, selection, colours, inks);
    const there = explorerLayers.landmarks(pen, frame, state, inks);
    pen.restore();
    const xs = state.data.columns.get(state.x).values, ys = state.data.columns.get(state.y).values;
    const place = (row) => {
      if (row === undefined) return null;
      const [x, y] = [frame.x(xs[row]), frame.y(ys[row])];
      return x >= frame.l && x <= frame.l + frame.w && y >= frame.t && y <= frame.t + frame.h ? [x, y] : null;
    };
    state.pins.forEach((id, i) => {
      const [x, y] = place(state.data.rowOf.get(id)) ?? [];
      if (x === undefined) return;
      explorerLayers.ring(pen, x, y, 9, inks.text, 1.5);
      explorerLayers.label(pen, pinName(i), x, y - 14, inks);
    });
    state.chosen.forEach((id) => {
      const [x, y] = place(state.data.rowOf.get(id)) ?? [];
      if (x === undefined) return;
      explorerLayers.ring(pen, x, y, 9, inks.text);
      explorerLayers.ring(pen, x, y, 13, inks.text);
      explorerLayers.label(pen, "chosen", x, y - 19, inks);
    });
    noted(pen, state, place, inks);
    return [found, there];
  };
  const paint = (state, selection, ranges) => {
    latest = state;
    frame = framed(ranges);
    const host = plot.querySelector(".gl-container");
    if (canvas.parentElement !== host.parentElement) host.after(canvas, over);
    if (stamped !== state.theme) { stamped = state.theme; stamp = stamps(inksOf(state)); pixels = new Map(); }
    [places, marks] = picture(cleared(canvas), state, selection);
    at = null;
  };
  const placeOf = (row) => {
    at ??= new Map(Array.from({ length: places.length }, (_, i) => [places.rows[i], i]));
    const i = at.get(row);
    return i === undefined ? null : [places.xs[i], places.ys[i]];
  };
  // What one point, or the family in the legend, adds while it is pointed at.
  const point = (state, row) => {
    const before = pointed;
    pointed = row !== null || explorerLayers.alone(state) !== null;
    if (!frame || !canvas.isConnected || !(pointed || before)) return;
    const pen = cleared(over);
    pen.save();
    pen.beginPath();
    pen.rect(frame.l, frame.t, frame.w, frame.h);
    pen.clip();
    explorerLayers.area(pen, frame, state);
    if (row !== null) explorerLayers.way(pen, frame, state, row, inksOf(state).text);
    pen.restore();
    const place = row === null ? null : placeOf(row);
    if (place) explorerLayers.ring(pen, ...place, 10, inksOf(state).text);
  };
  const near = (x, y, reach = 11) => {
    let best = null, least = reach * reach;
    for (let i = places.length - 1; i >= 0; i--) { // what is on top comes first
      const distance = (places.xs[i] - x) ** 2 + (places.ys[i] - y) ** 2;
      if (distance < least) { least = distance; best = places.rows[i]; }
    }
    if (best !== null) return { row: best };
    return marks.find((own) => Math.hypot(own.x - x, own.y - y) < reach) ?? null;
  };
  // The next point in a direction: near to the line in which it lies.
  const next = (row, [dx, dy], among) => {
    const start = row === null ? null : placeOf(row);
    let best = null, least = Infinity;
    for (let i = 0; i < places.length; i++) {
      if (places.rows[i] === row || !among(places.rows[i])) continue;
      const [x, y] = start ? [places.xs[i] - start[0], places.ys[i] - start[1]] : [places.xs[i], places.ys[i]];
      const ahead = start ? x * dx + y * dy : x;
      const cost = start ? ahead + 3 * Math.abs(x * dy - y * dx) : x;
      if (ahead > (start ? 0.01 : -1) && cost < least) { least = cost; best = places.rows[i]; }
    }
    return best;
  };
  return {
    paint, point, near, next, placeOf,
    clear: () => { canvas.remove(); over.remove(); places = { rows: [], xs: [], ys: [], length: 0 }; marks = []; frame = null; },
    count: () => places.length,
    write: (pen, selection) => { picture(pen, latest, selection); explorerLayers.area(pen, frame, latest); },
    sheets: () => [canvas, over], size: () => [frame.width, frame.height],
  };
};
