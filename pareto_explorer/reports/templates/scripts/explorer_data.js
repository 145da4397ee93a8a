// The explorer's columns as arrays, and how their values are written.
const explorerData = (payload) => {
  const unpacked = ({ values, distinct, codes }) =>
    Float64Array.from(values ?? codes, (item) => (values ? item ?? NaN : item < 0 ? NaN : distinct[item]));
  const extent = (values) => {
    let low = Infinity, high = -Infinity;
    for (const value of values) { if (value < low) low = value; if (value > high) high = value; }
    return low > high ? [0, 1] : [low, high];
  };
  const columns = new Map(payload.columns.map((column) => {
    const values = column.texts ? Float64Array.from(column.codes, (code) => (code < 0 ? NaN : code)) : unpacked(column);
    const spread = column.spread && unpacked(column.spread);
    const [low, high] = extent(values);
    const view = payload.view[column.key] ?? [low, high]; // a point far beyond the box must not squeeze the others
    const ends = [Math.min(Math.max(low, view[0]), view[1]), Math.max(Math.min(high, view[1]), view[0])];
    return [column.key, { ...column, values, spread, ends }];
  }));
  const measure = (value) => {
    if (Number.isNaN(value)) return "–";
    const size = Math.abs(value);
    if (size < 1e-12) return "0.0000"; // noise of floating-point sums
    return size >= 5e-5 && size < 1e4 ? value.toFixed(4) : String(Number(value.toPrecision(2)));
  };
  const number = (value, digits = 4) => String(Number(value.toPrecision(digits)));
  const write = (column, value) => {
    if (Number.isNaN(value)) return "–";
    if (column.texts) return column.texts[value];
    if (column.group === "Objectives" || column.group === "Metrics") return measure(value);
    return column.group === "Cost" && Number.isInteger(value) ? String(value) : number(value);
  };
  const stepOf = (row) => columns.get("step").values[row];
  const positionOf = (row) => columns.get("position")?.values[row] ?? 0;
  const knobs = [...columns.values()].filter((column) => column.group === "Knobs");
  return {
    ...payload, columns, knobs, write, measure, number,
    text: (key, row) => write(columns.get(key), columns.get(key).values[row]),
    trialOf: (row) => payload.trial.texts[payload.trial.codes[row]],
    familyOf: (row) => payload.families[payload.family[row]],
    placeOf: (row) => `step ${stepOf(row)}${positionOf(row) ? `, position ${positionOf(row)}` : ""}`,
    placeOptions: (row) => ["--step", stepOf(row), ...(positionOf(row) ? ["--position", positionOf(row)] : [])],
    settings: (row) => knobs.filter((knob) => !Number.isNaN(knob.values[row])).map((knob) => [knob.label, write(knob, knob.values[row])]),
    rowOf: new Map(Array.from({ length: payload.rows }, (_, row) => [[payload.trial.texts[payload.trial.codes[row]], stepOf(row), positionOf(row)].join("\n"), row])),
  };
};
