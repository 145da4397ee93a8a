// What is shown, by group: each family and each landmark, in every legend and figure at once.
const groups = (() => {
  const entries = [...document.querySelectorAll("[data-group]")];
  const families = new Set(entries.filter((entry) => entry.closest(".families")).map((entry) => entry.dataset.group));
  let shown = new Set(entries.filter((entry) => entry.getAttribute("aria-pressed") === "true").map((entry) => entry.dataset.group));
  const listeners = [];
  const show = (next) => {
    shown = next;
    entries.forEach((entry) => entry.setAttribute("aria-pressed", shown.has(entry.dataset.group)));
    listeners.forEach((listener) => listener(shown));
  };
  const toggled = (group) => (shown.has(group) ? new Set([...shown].filter((other) => other !== group)) : new Set([...shown, group]));
  const withFamilies = (wanted) => new Set([...[...shown].filter((group) => !families.has(group)), ...[...families].filter(wanted)]);
  document.addEventListener("click", ({ target }) => {
    const button = target.closest(".legend button");
    if (!button) return;
    const { group, only, action } = button.dataset;
    if (group) show(toggled(group));
    if (only) show(withFamilies((family) => family === only));
    if (action) show(withFamilies(() => action === "all"));
  });
  return { shown: () => shown, onChange: (listener) => listeners.push(listener) };
})();
