// The scatter plot and the parallel coordinates as pictures: the axes, and on them what the canvases hold.
const explorerImages = (store, scatter, parallel) => {
  const mostShapes = 5000; // a drawing of more would only burden whoever opens it
  const loaded = (text) => new Promise((done, fail) => {
    const image = new Image();
    image.onload = () => done(image);
    image.onerror = () => fail(new Error("the drawing cannot be read"));
    image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
  });
  const inksOf = ({ data, theme: name }) => {
    const { paper_bgcolor: paper, font } = data.layouts[name];
    return { paper, text: font.color, font: font.family };
  };
  const measured = el("canvas").getContext("2d");
  const widthOf = (text, font) => { measured.font = font; return measured.measureText(text).width; };
  // The families that are shown, or what the colours say, below a picture so wide; gives where it ends.
  const key = (pen, state, width, top) => {
    const { text: ink, font } = inksOf(state);
    const colours = explorerColours(state.data, state.colour, state.theme);
    const column = state.data.columns.get(state.colour);
    const items = state.colour === "family"
      ? state.data.families.map((family, i) => [family.name, colours.css[i], family.path]).filter(([name]) => !state.hidden.has(name))
      : colours.entries.map(([text, colour]) => [text, colour, ringPath]);
    pen.font = `400 12px ${font}`;
    pen.textAlign = "left";
    pen.textBaseline = "middle";
    pen.fillStyle = ink;
    let x = 16, y = top + 14;
    const say = (text, room = 12) => { pen.fillStyle = ink; pen.fillText(text, x, y); x += widthOf(text, pen.font) + room; };
    if (state.colour !== "family") say(column.label);
    if (colours.ends) {
      say(state.data.write(column, colours.ends[0]), 6);
      colours.css.slice(0, -1).forEach((colour) => { pen.fillStyle = colour; pen.fillRect(x, y - 5, 5, 10); x += 4.5; });
      x += 6;
      say(state.data.write(column, colours.ends[1]), 18);
    }
    for (const [name, colour, path] of items) {
      const room = widthOf(name, pen.font) + 44;
      if (x > 16 && x + room > width) { x = 16; y += 20; }
      mark(pen, path, x + 6, y, 1, { fill: colour });
      x += 18;
      say(name, 26);
    }
    return x > 16 ? y + 14 : top;
  };
  const wrapped = (body, width, height, paper) => `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}"><rect width="100%" height="100%" fill="${paper}"/>${body}</svg>`;
  const axes = async () => { // Plotly's own drawing, without the frame around it
    const [width, height] = scatter.cloud.size();
    const url = await Plotly.toImage(scatter.plot, { format: "svg", width, height });
    return decodeURIComponent(url.slice(url.indexOf(",") + 1));
  };
  const painted = async (parts, width, height, paper) => {
    const ratio = 2;
    const sheet = el("canvas", { width: Math.round(width * ratio), height: Math.round(height * ratio) });
    const pen = sheet.getContext("2d");
    pen.fillStyle = paper;
    pen.fillRect(0, 0, sheet.width, sheet.height);
    pen.scale(ratio, ratio);
    for (const part of parts) await part(pen);
    return new Promise((done) => sheet.toBlob(done, "image/png"));
  };

  const pictures = {
    scatter: {
      png: async (state) => {
        if (state.z) return (await fetchless(await Plotly.toImage(scatter.plot, { format: "png", scale: 2 })));
        const [width, height] = scatter.cloud.size(), { paper } = inksOf(state);
        const below = key(svgPen(), state, width, height);
        const under = await loaded(await axes());
        return painted([
          (pen) => pen.drawImage(under, 0, 0, width, height),
          (pen) => scatter.cloud.sheets().forEach((sheet) => pen.drawImage(sheet, 0, 0, width, height)),
          (pen) => key(pen, state, width, height),
        ], width, below, paper);
      },
      svg: async (state, selection) => {
        const [width, height] = scatter.cloud.size();
        const pen = svgPen();
        scatter.cloud.write(pen, selection);
        const below = key(pen, state, width, height);
        return wrapped(await axes() + pen.text(), width, below, inksOf(state).paper);
      },
    },
    parallel: {
      png: async (state) => {
        const text = pictures.parallel.svg(state);
        const [, width, height] = text.match(/width="([\d.]+)" height="([\d.]+)"/).map(Number);
        const image = await loaded(text);
        return painted([(pen) => pen.drawImage(image, 0, 0, width, height)], width, height, inksOf(state).paper);
      },
      svg: (state) => {
        const [width, height] = parallel.size(), { text, font, paper } = inksOf(state), pen = svgPen();
        parallel.write(pen);
        const bold = `600 12px ${font}`, plain = `400 12px ${font}`;
        pen.textAlign = "center";
        pen.textBaseline = "alphabetic";
        pen.fillStyle = text;
        const heads = parallel.heads();
        heads.forEach(({ title, low, high, x, y }) => {
          pen.font = plain;
          pen.fillText(high, x, y - 2);
          pen.fillText(low, x, height + 10);
          pen.font = bold;
          lines(title, bold, width / heads.length - 8).reverse().forEach((line, i) => pen.fillText(line, x, y - 20 - 15 * i));
        });
        const below = key(pen, state, width, height + 14);
        return wrapped(pen.text(), width, below, paper);
      },
    },
  };
  const lines = (title, font, room) => title.split(" ").reduce((made, word) => {
    const longer = made.length ? `${made.at(-1)} ${word}` : word;
    return made.length && widthOf(longer, font) > room ? [...made, word] : [...made.slice(0, -1), longer];
  }, []);
  const fetchless = async (url) => { // a data URL as a blob; the page may fetch nothing, not even this
    const bytes = atob(url.slice(url.indexOf(",") + 1));
    return new Blob([Uint8Array.from(bytes, (sign) => sign.charCodeAt(0))], { type: "image/png" });
  };
  const tooMany = () => store.state().z || scatter.cloud.count() > mostShapes;
  document.addEventListener("click", async ({ target }) => {
    const button = target.closest("[data-image][data-of]");
    if (!button) return;
    const { image: kind, of } = button.dataset;
    store.render({ now: true });
    if (kind === "svg" && of === "scatter" && tooMany()) { said.textContent = "SVG is for up to 5,000 points in the plane; PNG has them all."; return; }
    const made = await pictures[of][kind](store.state(), store.selection());
    downloadBlob(pictureName(of, kind), kind === "svg" ? new Blob([made], { type: "image/svg+xml" }) : made);
  });
  return { refresh: (button) => { button.disabled = Boolean(tooMany()); button.title = button.disabled ? "for up to 5,000 points in the plane; PNG has them all" : ""; } };
};
