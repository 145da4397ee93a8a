// The colour of every point under one theme: of its family, of a text, or of a number on a scale.
const explorerColours = (data, key, name) => {
  const column = data.columns.get(key);
  const muted = data.layouts[name].xaxis.linecolor; // of what has no value
  const { values } = column;
  if (key === "family") return { css: data.families.map((family) => family[name]), of: (row) => data.family[row], entries: [] };
  if (column.texts) {
    const most = data.palette.length;
    const own = (code) => (code < most ? data.palette[code][name] : muted);
    const css = [...column.texts.map((_, code) => own(code)), muted];
    const rest = column.texts.length - most;
    const entries = [
      ...column.texts.slice(0, most).map((text, code) => [text, css[code]]),
      ...(rest > 0 ? [[`${rest} others`, muted]] : []), ...(values.some(Number.isNaN) ? [["not set", muted]] : []),
    ];
    return { css, of: (row) => (Number.isNaN(values[row]) ? column.texts.length : values[row]), entries };
  }
  const shades = 32;
  const stops = data.scales[name].map((stop) => [1, 3, 5].map((i) => parseInt(stop.slice(i, i + 2), 16)));
  const mixed = (share) => {
    const place = share * (stops.length - 1), low = Math.min(Math.floor(place), stops.length - 2);
    return `rgb(${stops[low].map((part, i) => Math.round(part + (place - low) * (stops[low + 1][i] - part))).join(",")})`;
  };
  const scale = (value) => (column.log ? Math.log(value) : value);
  const [from, to] = column.ends.map(scale);
  return {
    css: [...Array.from({ length: shades }, (_, i) => mixed(i / (shades - 1))), muted],
    of: (row) => {
      const share = (scale(values[row]) - from) / (to - from || 1);
      return Number.isNaN(share) ? shades : Math.round(Math.max(0, Math.min(1, share)) * (shades - 1));
    },
    entries: values.some(Number.isNaN) ? [["not set", muted]] : [],
    ends: column.ends, stops: data.scales[name],
  };
};

// What the colours say, where it is not the families that the legend names.
const explorerScale = (part, store) => {
  const swatch = (colour) => el("span", { class: "chip", style: `background:${colour}` });
  store.add((state, _, changed) => {
    if (!changed("data", "colour", "theme")) return;
    const { label } = state.data.columns.get(state.colour);
    const { entries, ends, stops } = explorerColours(state.data, state.colour, state.theme);
    part.hidden = state.colour === "family";
    const column = state.data.columns.get(state.colour);
    const bar = stops ? [
      el("span", {}, state.data.write(column, ends[0])),
      el("span", { class: "bar", style: `background:linear-gradient(to right, ${stops.join(", ")})` }),
      el("span", {}, state.data.write(column, ends[1]) + (column.log ? ", logarithmic" : "")),
    ] : [];
    part.replaceChildren(el("b", {}, label), ...bar, ...entries.map(([text, colour]) => el("span", { class: "of" }, swatch(colour), text)));
  });
};
