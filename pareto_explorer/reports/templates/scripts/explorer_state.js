// One state of the explorer, the only function that changes it, and the points that it selects.
const explorerReducer = (state, action) => {
  switch (action.type) {
    case "level": return { ...state, level: action.level, page: 0 };
    case "families": return { ...state, families: action.families, page: 0 };
    case "ranges": {
      const ranges = { ...state.ranges, ...action.ranges };
      for (const key of Object.keys(ranges)) if (ranges[key] === null) delete ranges[key];
      return { ...state, ranges, page: 0 };
    }
    case "clear": return { ...state, ranges: {}, page: 0 };
    case "axis": return { ...state, [action.axis]: action.key, wide: false };
    case "wide": return { ...state, wide: !state.wide };
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
      const without = state.pins.filter((row) => row !== action.row);
      return { ...state, pins: without.length < state.pins.length ? without : [...state.pins, action.row] };
    }
    case "unpin": return { ...state, pins: [] };
    case "landmarks": return { ...state, landmarks: action.landmarks };
    case "theme": return { ...state, theme: action.theme };
    default: return state;
  }
};

// A range is {low, high} for numbers and {codes} for texts; a missing value is in no range.
const explorerSelection = (data, state) => {
  const tests = Object.entries(state.ranges).map(([key, range]) => {
    const { values } = data.columns.get(key);
    if (range.codes) return (row) => range.codes.includes(values[row]);
    return (row) => values[row] >= range.low && values[row] <= range.high;
  });
  const shown = [], selected = [], others = [], levels = [0, 0, 0];
  for (let row = 0; row < data.rows; row++) {
    if (!state.families[data.family[row]]) continue;
    shown.push(row);
    for (let level = 0; level <= data.level[row]; level++) levels[level]++;
    (data.level[row] >= state.level && tests.every((test) => test(row)) ? selected : others).push(row);
  }
  return { shown, selected, others, levels };
};

// Views are drawn at most once a frame; with many points, slow ones wait until the hand rests.
const explorerStore = (data, initial) => {
  const patient = data.rows > 3000 ? 120 : 0;
  const views = [];
  let state = initial, found = null, queued = false, waiting = null;
  const selection = () => {
    if (!found || ["level", "families", "ranges"].some((name) => found.state[name] !== state[name])) found = { state, selection: explorerSelection(data, state) };
    return found.selection;
  };
  const draw = (entry) => {
    const before = entry.drawn;
    const changed = (...names) => !before || names.some((name) => before[name] !== state[name]);
    entry.drawn = state;
    entry.view(state, selection(), changed, changed("level", "families", "ranges"));
  };
  const render = ({ now = false } = {}) => {
    queued = false;
    clearTimeout(waiting);
    const later = patient && !now ? views.filter((entry) => entry.slow && entry.drawn) : [];
    views.filter((entry) => !later.includes(entry)).forEach(draw);
    if (later.length) waiting = setTimeout(() => later.forEach(draw), patient);
  };
  return {
    state: () => state,
    add: (view, { slow = false } = {}) => views.push({ view, slow, drawn: null }),
    render,
    dispatch: (action) => {
      const next = explorerReducer(state, action);
      if (next === state) return;
      state = next;
      if (!queued) { queued = true; requestAnimationFrame(() => render()); }
    },
  };
};
