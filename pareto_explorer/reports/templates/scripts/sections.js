// What the page holds of each card: its figure, its tables and what its own script works on.
const sections = (() => {
  const figures = embedded("figures"), tables = embedded("tables"), payloads = embedded("payloads");
  const listeners = new Map();
  return {
    figure: (key) => figures[key],
    table: (key) => tables[key],
    payload: (key) => payloads[key],
    // A card whose script keeps what the reader did takes a new payload itself; of others, the markup is replaced.
    onPayload: (key, listener) => listeners.set(key, listener),
  };
})();
