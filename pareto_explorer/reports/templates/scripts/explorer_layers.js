// What is drawn around the points: staircases, the box, landmarks, the ways of trials, pins and the choice.
const explorerLayers = (() => {
  // Corners of the edge of what `rows` dominate inside the box, from one side of it to the other.
  const corners = (data, rows) => {
    const [first, second] = data.axes;
    const [xs, ys] = [first, second].map((key) => data.columns.get(key).values);
    const [sx, sy] = [first, second].map((key) => Math.sign(data.box[key][1] - data.box[key][0])); // 1 where lower is better
    const [rx, ry] = [data.box[first][1], data.box[second][1]];
    const inside = rows.filter((row) => sx * xs[row] < sx * rx && sy * ys[row] < sy * ry).sort((a, b) => sx * (xs[a] - xs[b]) || sy * (ys[a] - ys[b]));
    const front = [];
    for (const row of inside) if (!front.length || sy * ys[row] < sy * ys[front.at(-1)]) front.push(row);
    if (!front.length) return [];
    const inner = front.flatMap((row, i) => (i ? [[xs[row], ys[front[i - 1]]], [xs[row], ys[row]]] : [[xs[row], ys[row]]]));
    return [[xs[front[0]], ry], ...inner, [rx, ys[front.at(-1)]]];
  };
  const cached = new WeakMap();
  const edges = (data) => {
    if (!cached.has(data)) {
      const rows = [[], ...data.families.map(() => [])];
      data.family.forEach((family, row) => { if (data.level[row]) rows[family + 1].push(row); });
      cached.set(data, { families: rows.slice(1).map((own) => corners(data, own)), pooled: corners(data, data.family.map((_, row) => row).filter((row) => data.level[row] === 2)) });
    }
    return cached.get(data);
  };
  // Whether the axes are the two objectives, and in which order.
  const order = ({ data, x, y }) => {
    const [first, second, ...more] = data.axes;
    if (more.length) return null;
    return x === first && y === second ? [0, 1] : x === second && y === first ? [1, 0] : null;
  };
  const placed = (frame, turn, points) => points.map((point) => [frame.x(point[turn[0]]), frame.y(point[turn[1]])]);
  const trace = (pen, points) => {
    pen.beginPath();
    points.forEach(([x, y], i) => pen[i ? "lineTo" : "moveTo"](x, y));
  };
  const line = (pen, points, { colour, width, alpha = 1, dash = [] }) => {
    if (points.length < 2) return;
    pen.globalAlpha = alpha;
    pen.strokeStyle = colour;
    pen.lineWidth = width;
    pen.setLineDash(dash);
    trace(pen, points);
    pen.stroke();
    pen.setLineDash([]);
    pen.globalAlpha = 1;
  };

  const box = (pen, frame, state, inks) => {
    const sides = [state.x, state.y].map((key) => state.data.box[key]);
    if (!state.drawn.has("box") || sides.some((side) => !side)) return;
    const [[x0, x1], [y0, y1]] = [sides[0].map(frame.x), sides[1].map(frame.y)];
    line(pen, [[x0, y0], [x1, y0], [x1, y1], [x0, y1], [x0, y0]], { colour: inks.muted, width: 1, dash: [2, 3] });
    line(pen, [[x1 - 6, y1], [x1 + 6, y1]], { colour: inks.text, width: 2 });
    line(pen, [[x1, y1 - 6], [x1, y1 + 6]], { colour: inks.text, width: 2 });
  };
  const stairs = (pen, frame, state, inks) => {
    const turn = order(state);
    if (!turn) return;
    const { families, pooled } = edges(state.data);
    if (state.drawn.has("pooled")) line(pen, placed(frame, turn, pooled.slice(1, -1)), { colour: inks.muted, width: 7, alpha: 0.35 });
    if (!state.drawn.has("stairs")) return;
    state.data.families.forEach((family, i) => {
      if (state.hidden.has(family.name)) return;
      const points = placed(frame, turn, families[i]);
      const style = { colour: family[state.theme], dash: dashes[family.dash] };
      line(pen, points, { ...style, width: 1, alpha: 0.45 }); // its ends reach the sides of the box
      line(pen, points.slice(1, -1), { ...style, width: 2 });
    });
  };
  const alone = (state) => {
    const shown = state.data.families.filter(({ name }) => !state.hidden.has(name));
    return shown.find(({ name }) => name === state.lit) ?? (shown.length === 1 ? shown[0] : null);
  };
  const area = (pen, frame, state) => {
    const turn = order(state), family = alone(state);
    if (!turn || !family) return;
    const points = edges(state.data).families[state.data.families.indexOf(family)];
    if (!points.length) return;
    const reference = state.data.axes.map((key) => state.data.box[key][1]);
    pen.globalAlpha = 0.14;
    pen.fillStyle = family[state.theme];
    trace(pen, placed(frame, turn, [...points, reference]));
    pen.closePath();
    pen.fill();
    pen.globalAlpha = 1;
    const edge = placed(frame, turn, points);
    line(pen, edge.slice(1, -1), { colour: family[state.theme], width: 2, dash: dashes[family.dash] });
  };
  const way = (pen, frame, state, row, colour, { width = 1.2, alpha = 0.8 } = {}) => {
    const { data } = state;
    const [xs, ys] = [state.x, state.y].map((key) => data.columns.get(key).values);
    const points = data.wayOf(row).map((other) => [frame.x(xs[other]), frame.y(ys[other])]).filter((point) => point.every(Number.isFinite));
    line(pen, points, { colour, width, alpha });
  };
  const landmarks = (pen, frame, state, inks) => state.data.landmarks.filter(({ kind, values }) => state.drawn.has(kind) && values[state.x] && values[state.y]).flatMap((own) => {
    const size = own.kind === "between" ? 0.85 : 1.1;
    return own.values[state.x].flatMap((value, i) => {
      const other = own.values[state.y][i];
      if (value === null || other === null) return [];
      const [x, y] = [frame.x(value), frame.y(other)];
      pen.globalAlpha = own.kind === "between" ? 0.75 : 0.9;
      mark(pen, own.shape.path, x, y, size, own.shape.line ? { line: own.shape.line, colour: inks.text } : { fill: inks.text });
      pen.globalAlpha = 1;
      return [{ x, y, landmark: own, index: i }];
    });
  });
  const ring = (pen, x, y, radius, colour, width = 2) => mark(pen, ringPath, x, y, radius / 5, { line: width, colour });
  const label = (pen, text, x, y, inks) => {
    pen.font = `600 13px ${inks.font}`;
    pen.textAlign = "center";
    pen.textBaseline = "alphabetic";
    pen.lineWidth = 4;
    pen.lineJoin = "round";
    pen.strokeStyle = inks.paper;
    pen.fillStyle = inks.text;
    pen.strokeText(text, x, y);
    pen.fillText(text, x, y);
  };
  // The rectangle of the limits on the two axes; a side without a limit is the side of the figure.
  const band = (pen, frame, state) => {
    const side = (key, scale, length) => {
      const range = state.ranges[key], column = state.data.columns.get(key);
      if (!range || !column) return [0, length];
      const codes = range.texts?.map((text) => column.texts.indexOf(text));
      const ends = codes ? [Math.min(...codes) - 0.5, Math.max(...codes) + 0.5] : [range.low, range.high];
      const places = ends.map((end) => (Number.isFinite(end) ? scale(end) : NaN));
      const [low, high] = scale(column.ends[1]) > scale(column.ends[0]) ? [0, length] : [length, 0];
      return [Number.isNaN(places[0]) ? low : places[0], Number.isNaN(places[1]) ? high : places[1]].sort((a, b) => a - b);
    };
    if (!state.ranges[state.x] && !state.ranges[state.y]) return;
    const [x0, x1] = side(state.x, (value) => frame.x(value) - frame.l, frame.w), [y0, y1] = side(state.y, (value) => frame.y(value) - frame.t, frame.h);
    pen.fillStyle = pen.strokeStyle = theme.accent();
    pen.lineWidth = 1;
    pen.globalAlpha = 0.06;
    pen.fillRect(frame.l + x0, frame.t + y0, x1 - x0, y1 - y0);
    pen.globalAlpha = 0.9;
    pen.setLineDash([2, 3]);
    pen.strokeRect(frame.l + x0, frame.t + y0, x1 - x0, y1 - y0);
    pen.setLineDash([]);
    pen.globalAlpha = 1;
  };
  return { alone, box, stairs, area, way, landmarks, ring, label, band };
})();
