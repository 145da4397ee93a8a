// Tables as CSV files, and figures as pictures.
const csvLine = (cells) => cells.map((cell) => {
  const text = cell == null || Number.isNaN(cell) ? "" : String(cell);
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}).join(",");

const downloadFrom = (name, url) => el("a", { href: url, download: name }).click();
const downloadBlob = (name, blob) => {
  const url = URL.createObjectURL(blob);
  downloadFrom(name, url);
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
};
const download = (name, text) => downloadBlob(name, new Blob([text], { type: "text/csv;charset=utf-8" }));
const pictureName = (name, format) => `${`${document.querySelector("main").dataset.run}-${name}`.replace(/[^\w.-]+/g, "-")}.${format}`;

// A figure (its data, and its layout with width and height) as a file named after the run and `name`; a PNG has three pixels for each of the screen.
const saveImage = async (figure, name, format) => {
  const { width, height } = figure.layout;
  const url = await Plotly.toImage(figure, { format, width, height, scale: format === "png" ? 3 : 1 });
  downloadFrom(pictureName(name, format), url);
};

(() => {
  const saveFigure = async (card, format) => saveImage(figures.onPaper(await figures.draw(card.querySelector("[data-figure]"))), card.id, format);
  document.addEventListener("click", ({ target }) => {
    const key = target.closest("[data-csv]")?.dataset.csv;
    if (key) download(`${key}.csv`, sections.table(key));
    const image = target.closest("[data-image]:not([data-of])");
    if (image) saveFigure(image.closest(".card"), image.dataset.image);
  });
})();
