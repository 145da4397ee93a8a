// Tables as CSV files.
const csvLine = (cells) => cells.map((cell) => {
  const text = cell == null || Number.isNaN(cell) ? "" : String(cell);
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}).join(",");

const download = (name, text) => {
  const url = URL.createObjectURL(new Blob([text], { type: "text/csv;charset=utf-8" }));
  el("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
};

(() => {
  document.addEventListener("click", ({ target }) => {
    const key = target.closest("[data-csv]")?.dataset.csv;
    if (key) download(`${key}.csv`, sections.table(key));
  });
})();
