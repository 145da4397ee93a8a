// One state of the explorer, the only function that changes it, and the points that it selects.
// It speaks in names and ids, never in row numbers, so that it outlives the data.
const explorerStart = (data) => {
  const [x, y, z = null] = data.axes;
  return {
    level: 2, hidden: new Set(data.families.filter(({ shown }) => !shown).map(({ name }) => name)), ranges: {}, search: "",
    x, y, z, colour: "family", view: "box", dimensions: data.dimensions, sort: { key: x, descending: data.columns.get(x).best === "max" },
    drawn: new Set(["box", "pooled", "original", "retrained", "between"]), pins: [],
  };
};

const explorerReducer = (state, action) => {
  switch (action.type) {
    case "level": return { ...state, level: action.level, page: 0 };
    case "hide": return { ...state, hidden: action.hidden, page: 0 };
    case "ranges": {
      const ranges = { ...state.ranges, ...action.ranges };
      for (const key of Object.keys(ranges)) if (ranges[key] === null) delete ranges[key];
      return { ...state, ranges, page: 0 };
    }
    case "search": return { ...state, search: action.text, page: 0 };
    case "clear": return { ...state, ranges: {}, search: "", page: 0 };
    case "axis": return { ...state, [action.axis]: action.key, view: typeof state.view === "string" ? state.view : "box" };
    case "colour": return { ...state, colour: action.key };
    case "view": return { ...state, view: action.view };
    case "draw": {
      const drawn = new Set(state.drawn);
      if (!drawn.delete(action.what)) drawn.add(action.what);
      return { ...state, drawn };
    }
    case "dimension": {
      const without = state.dimensions.filter((key) => key !== action.key);
      return { ...state, dimensions: action.on ? [...without, action.key] : without };
    }
    case "sort": {
      const descending = state.sort.key === action.key ? !state.sort.descending : action.descending;
      return { ...state, sort: { key: action.key, descending }, page: 0 };
    }
    case "page": return { ...state, page: Math.max(0, state.page + action.by) };
    case "pin": {
      const without = state.pins.filter((id) => id !== action.id);
      return { ...state, pins: without.length < state.pins.length ? without : [...state.pins, action.id] };
    }
    case "unpin": return { ...state, pins: [] };
    case "set": return { ...state, ...action.values };
    default: return state;
  }
};

// A range is {low, high} for numbers and {texts} for texts; a missing value is in no range.
const explorerSelection = (state) => {
  const { data } = state;
  const tests = Object.entries(state.ranges).filter(([key]) => data.columns.has(key)).map(([key, range]) => {
    const { values, texts } = data.columns.get(key);
    if (texts) { const codes = new Set(range.texts?.map((text) => texts.indexOf(text))); return (row) => codes.has(values[row]); }
    return (row) => values[row] >= range.low && values[row] <= range.high;
  });
  const words = state.search.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length) tests.push((row) => words.every((word) => data.wordsOf(row).includes(word)));
  const away = data.families.map(({ name }) => state.hidden.has(name));
  const shown = [], selected = [], others = [];
  for (let row = 0; row < data.rows; row++) {
    if (away[data.family[row]]) continue;
    shown.push(row);
    (data.level[row] >= state.level && tests.every((test) => test(row)) ? selected : others).push(row);
  }
  const counts = [0, 1, 2].map((level) => data.families.reduce((sum, { counts: own }, i) => sum + (away[i] ? 0 : own[level]), 0));
  return { shown, selected, others, counts };
};

// Views are drawn at most once a frame; with many points, slow ones wait until the hand rests.
const explorerStore = (initial, roots) => {
  const views = [];
  let state = initial, found = null, queued = false, waiting = null;
  const busy = () => roots.forEach((root) => root.setAttribute("aria-busy", queued || waiting !== null));
  const filters = ["data", "level", "hidden", "ranges", "search"];
  const selection = () => {
    if (!found || filters.some((name) => found.state[name] !== state[name])) found = { state, selection: explorerSelection(state) };
    return found.selection;
  };
  const draw = (entry) => {
    const before = entry.drawn;
    const changed = (...names) => !before || names.some((name) => before[name] !== state[name]);
    entry.drawn = state;
    entry.view(state, selection(), changed, changed(...filters));
  };
  const render = ({ now = false } = {}) => {
    const patient = state.data.rows > 3000 ? 120 : 0;
    queued = false;
    clearTimeout(waiting);
    waiting = null;
    const later = patient && !now ? views.filter((entry) => entry.slow && entry.drawn) : [];
    views.filter((entry) => !later.includes(entry)).forEach(draw);
    if (later.length) waiting = setTimeout(() => { waiting = null; later.forEach(draw); busy(); }, patient);
    busy();
  };
  return {
    state: () => state,
    selection,
    add: (view, { slow = false } = {}) => views.push({ view, slow, drawn: null }),
    render,
    dispatch: (action) => {
      const next = explorerReducer(state, action);
      if (next === state) return;
      state = next;
      if (!queued) { queued = true; busy(); requestAnimationFrame(() => render()); }
    },
  };
};
