// The explorer's columns as arrays, how their values are written, and which rows belong together.
const pythonFloat = (value) => { // as Python writes it, since ids go there
  if (Number.isInteger(value)) return `${value}.0`;
  if (Math.abs(value) >= 1e-4) return String(value);
  const [digits, power] = value.toExponential().split("e-");
  return `${digits}e-${power.padStart(2, "0")}`;
};

const explorerData = (payload) => {
  const unpacked = ({ values, distinct, codes }) =>
    Float64Array.from(values ?? codes, (item) => (values ? item ?? NaN : item < 0 ? NaN : distinct[item]));
  const extent = (values) => {
    let low = Infinity, high = -Infinity;
    for (const value of values) { if (value < low) low = value; if (value > high) high = value; }
    return low > high ? [0, 1] : [low, high];
  };
  const { families, runs } = payload;
  const part = { group: "Parts", note: "", direction: null, best: null, log: false };
  const own = [
    { ...part, key: "family", label: "Family", texts: families.map(({ name }) => name), codes: payload.family, same: false },
    ...(runs.length ? [{ ...part, key: "run", label: "Run", texts: runs, codes: payload.family.map((code) => families[code].run ?? -1), same: false }] : []),
  ];
  const columns = new Map([...own, ...payload.columns].map((column) => {
    const values = column.texts ? Float64Array.from(column.codes, (code) => (code < 0 ? NaN : code)) : unpacked(column);
    const spread = column.spread && unpacked(column.spread);
    const [low, high] = extent(values);
    const view = payload.view[column.key] ?? [low, high]; // a point far beyond the box must not squeeze the others
    const ends = [Math.min(Math.max(low, view[0]), view[1]), Math.max(Math.min(high, view[1]), view[0])];
    return [column.key, { ...column, values, spread, ends }];
  }));
  const all = [...columns.values()];
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
  const steps = columns.get("step").values;
  const positions = columns.get("position")?.values;
  const positionOf = (row) => positions?.[row] ?? 0;
  const trialOf = (row) => payload.trial.texts[payload.trial.codes[row]];
  const idOf = (row) => `${trialOf(row)}@${steps[row]}${positionOf(row) ? `@${pythonFloat(positionOf(row))}` : ""}`;
  const knobs = all.filter((column) => column.group === "Knobs" && !column.same);
  const settings = (row) => knobs.filter((knob) => !Number.isNaN(knob.values[row])).map((knob) => [knob.label, write(knob, knob.values[row])]);

  const ways = payload.trial.texts.map(() => []); // the rows of each trial, in their order
  payload.trial.codes.forEach((code, row) => ways[code].push(row));
  ways.forEach((rows) => rows.sort((a, b) => steps[a] - steps[b] || positionOf(a) - positionOf(b)));
  const status = columns.get("trial_status");
  const words = ways.map(() => null); // what a search looks through, when the first one does
  const wordsOf = (row) => {
    const code = payload.trial.codes[row];
    if (words[code] === null) {
      const rows = ways[code];
      const set = knobs.map((knob) => [knob.label, new Set(rows.map((other) => knob.values[other]).filter((value) => !Number.isNaN(value)))]);
      const told = set.flatMap(([label, values], i) => [...values].map((value) => `${label} = ${write(knobs[i], value)}`));
      words[code] = [families[payload.family[row]].name, trialOf(row), status ? write(status, status.values[row]) : "", ...told].join("\n").toLowerCase();
    }
    return words[code];
  };
  return {
    ...payload, columns, all, knobs, write, measure, number, settings, trialOf, idOf, wordsOf,
    text: (key, row) => write(columns.get(key), columns.get(key).values[row]),
    familyOf: (row) => families[payload.family[row]],
    wayOf: (row) => ways[payload.trial.codes[row]],
    placeOf: (row) => `step ${steps[row]}${positionOf(row) ? `, position ${positionOf(row)}` : ""}`,
    placeOptions: (row) => ["--step", steps[row], ...(positionOf(row) ? ["--position", positionOf(row)] : [])],
    same: all.filter((column) => column.same).map((column) => [column.label, write(column, column.values.find((value) => !Number.isNaN(value)))]),
    chosenFrom: all.filter((column) => !column.same), // what there is to see along an axis or in a colour
    rowOf: new Map(Array.from({ length: payload.rows }, (_, row) => [idOf(row), row])),
  };
};
