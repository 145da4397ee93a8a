// The explorer's state as short texts in the address, and back: what is not understood is left out.
const explorerLink = (() => {
  const nothing = "~"; // an empty list, where a list is not empty at first
  const packed = (item) => String(item).replace(/[%,~]/g, (sign) => `%${sign.charCodeAt(0).toString(16)}`);
  const unpacked = (item) => item.replace(/%(25|2c|7e)/g, (_, code) => String.fromCharCode(parseInt(code, 16)));
  const list = (items) => [...items].map(packed).join(",") || nothing;
  const items = (text) => (text === nothing ? [] : text.split(",").map(unpacked));
  const end = (value) => (Number.isFinite(value) ? String(Number(value.toPrecision(6))) : "");
  const limit = (text, open) => (text === "" ? open : Number(text));

  const range = (key, { low, high, texts }) => [packed(key), ...(texts ? texts.map((text) => `=${packed(text)}`) : [end(low), end(high)])].join("~");
  const readRange = (text, data) => {
    const [name, ...parts] = text.split("~");
    const key = unpacked(name), column = data.columns.get(key);
    if (!column) return [];
    if (column.texts) return parts.every((part) => part.startsWith("=")) ? [[key, { texts: parts.map((part) => unpacked(part.slice(1))) }]] : [];
    const [low, high] = [limit(parts[0] ?? "x", -Infinity), limit(parts[1] ?? "x", Infinity)];
    return Number.isNaN(low) || Number.isNaN(high) ? [] : [[key, { low, high }]];
  };
  const column = (data) => (text) => (data.columns.has(text) ? text : undefined);

  // For each part of the state: its key, how it is written and how it is read.
  const parts = {
    level: ["level", String, () => (text) => (["0", "1", "2"].includes(text) ? Number(text) : undefined)],
    x: ["x", String, column],
    y: ["y", String, column],
    z: ["z", (key) => key ?? nothing, (data) => (text) => (text === nothing ? null : column(data)(text))],
    colour: ["colour", String, column],
    view: ["view", (view) => (typeof view === "string" ? view : view.map(end).join("~")), () => (text) => {
      if (["front", "box", "all"].includes(text)) return text;
      const ends = text.split("~").map((part) => limit(part, NaN));
      return ends.length === 4 && ends.every(Number.isFinite) && ends[0] !== ends[1] && ends[2] !== ends[3] ? ends : undefined;
    }],
    hidden: ["hide", list, (data) => (text) => new Set(items(text).filter((name) => data.families.some((family) => family.name === name)))],
    ranges: ["where", (ranges) => Object.entries(ranges).map(([key, own]) => range(key, own)).join(",") || nothing,
      (data) => (text) => Object.fromEntries(text.split(",").flatMap((item) => readRange(item, data)))],
    search: ["search", String, () => (text) => text.slice(0, 200)],
    sort: ["sort", ({ key, descending }) => (descending ? `-${key}` : key), (data) => (text) => {
      const key = text.replace(/^-/, "");
      return data.columns.has(key) ? { key, descending: text.startsWith("-") } : undefined;
    }],
    dimensions: ["axes", list, (data) => (text) => [...new Set(items(text).filter((key) => data.columns.has(key)))]],
    drawn: ["draw", list, () => (text) => new Set(items(text).filter((name) => ["stairs", "box", "pooled", "trails", "original", "retrained", "between"].includes(name)))],
    pins: ["pins", list, () => (text) => [...new Set(items(text))].slice(0, 50)], // some may come with the next points
  };
  return {
    write: (state) => {
      const start = explorerStart(state.data);
      for (const [name, [key, write]] of Object.entries(parts)) {
        const text = write(state[name]);
        address.set(key, text === write(start[name]) ? null : text);
      }
    },
    read: (data) => {
      const start = explorerStart(data);
      return Object.fromEntries(Object.entries(parts).map(([name, [key, , read]]) => {
        const text = address.get(key);
        return [name, (text === null ? undefined : read(data)(text)) ?? start[name]];
      }));
    },
  };
})();
