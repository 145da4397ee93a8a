// Light or dark, and always light on paper.
const theme = (() => {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const listeners = [];
  let printing = false;
  const name = () => (dark.matches && !printing ? "dark" : "light");
  const tell = () => listeners.forEach((listener) => listener(name()));
  dark.addEventListener("change", tell);
  addEventListener("beforeprint", () => { printing = true; tell(); });
  addEventListener("afterprint", () => { printing = false; tell(); });
  const accent = () => (name() === "light" ? "#0b5cad" : "#7db8f5"); // as --accent, which knows nothing of paper yet when a print begins
  return { name, accent, onChange: (listener) => listeners.push(listener) };
})();

const screens = { narrow: matchMedia("(max-width: 760px)"), touch: matchMedia("(pointer: coarse)") };
