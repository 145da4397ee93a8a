// What a link to this page shows again: short texts by key, behind the # of the address.
const address = (() => {
  const listeners = [];
  const patience = 200; // browsers slow down pages that write their address too often
  const read = () => new Map(location.hash.includes("=") ? new URLSearchParams(location.hash.slice(1)) : []);
  let texts = read(), writing = null;
  const hash = () => {
    const text = new URLSearchParams([...texts]).toString();
    return text && `#${text.replace(/%(2F|40|2C|7E|3A)/g, decodeURIComponent)}`; // legal here, and readable
  };
  const write = () => {
    writing = null;
    const there = location.pathname + location.search + (hash() || (location.hash.includes("=") ? "" : location.hash));
    try { history.replaceState(null, "", there); } catch { /* a page inside another one has no address of its own */ }
  };
  addEventListener("hashchange", () => {
    if (location.hash && !location.hash.includes("=")) return; // a link to a card changes nothing
    texts = read();
    listeners.forEach((listener) => listener());
  });
  return {
    get: (key) => texts.get(key) ?? null,
    set: (key, text) => {
      if ((texts.get(key) ?? null) === (text || null)) return;
      if (text) texts.set(key, text); else texts.delete(key);
      writing ??= setTimeout(write, patience);
    },
    link: () => location.href.split("#")[0] + hash(),
    onChange: (listener) => listeners.push(listener),
  };
})();
