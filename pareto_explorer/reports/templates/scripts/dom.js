// Elements without markup: text from a run only ever becomes text.
const el = (tag, attributes = {}, ...children) => {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value != null) node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
};

// A name that may be wrapped after a slash or an underscore.
const breakable = (name) => String(name).split(/(?<=[/_])/).flatMap((part, i) => (i ? [el("wbr"), part] : [part]));

// Plotly shows a subset of HTML in its titles and labels.
const escaped = (text) => String(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

const said = document.getElementById("said");
const embedded = (id) => JSON.parse(document.getElementById(id).textContent);
