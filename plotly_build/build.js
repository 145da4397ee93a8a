// Writes the Plotly of the report page and the licences of all that is in it; see README.md.
import { parse } from "acorn";
import { full } from "acorn-walk";
import { build } from "esbuild";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

const HOME = "../pareto_explorer/reports/static";
const TRACES = "scatter, bar, scatter3d";

// Descriptions of attributes are for documentation: a tenth of the code, and nothing reads them.
const text = String.raw`(?:'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*")`;
const sum = String.raw`${text}(?:\s*\+\s*${text})*`;
const between = String.raw`(?:\s|//[^\n]*\n)*`;
const list = String.raw`\[(?:${between}${sum}\s*,?)*${between}\]\s*\.join\(\s*${text}\s*\)`;
const description = new RegExp(String.raw`\bdescription:\s*(?:${list}|${sum})\s*(?:,|(?=\}))`, "g");
const withoutDescriptions = {
  name: "without descriptions",
  setup: ({ onLoad }) => onLoad({ filter: /plotly\.js[/\\]src[/\\].*\.js$/ }, async ({ path }) => ({
    contents: (await readFile(path, "utf8")).replace(description, ""),
  })),
};

// A function in parentheses is compiled when it is first read, and not read twice: nearly all modules run at once.
const inParentheses = (code) => {
  const [, wrapper] = code.match(/^"use strict";var Plotly=\(\(\)=>\{var ([\w$]+)=/m);
  const modules = [];
  full(parse(code, { ecmaVersion: 2020 }), ({ type, callee, arguments: given }) => {
    if (type === "CallExpression" && callee.name === wrapper) modules.push(given[0]);
  });
  modules.sort((a, b) => b.start - a.start);
  return modules.reduce((text, { start, end }) => `${text.slice(0, start)}(${text.slice(start, end)})${text.slice(end)}`, code);
};

const about = async (folder) => JSON.parse(await readFile(join(folder, "package.json"), "utf8"));

const licence = async (folder) => {
  const { name, version, license } = await about(folder);
  const files = (await readdir(folder)).filter((file) => /^(licen[cs]e|copying)/i.test(file)).sort();
  const texts = await Promise.all(files.map((file) => readFile(join(folder, file), "utf8")));
  return [`${name} ${version} (${license})`, ...texts.map((part) => part.trim())].join("\n\n");
};

const { version } = await about("node_modules/plotly.js");
const { metafile, outputFiles } = await build({
  entryPoints: ["entry.cjs"],
  outfile: "plotly.min.js",
  write: false,
  metafile: true,
  bundle: true,
  minify: true,
  format: "iife",
  globalName: "Plotly",
  target: "es2020",
  charset: "utf8",
  legalComments: "external",
  define: { global: "window", "define.amd": "false", "process.env.NODE_DEBUG": "false" },
  loader: { ".css": "empty" }, // of maps
  plugins: [withoutDescriptions],
  banner: { js: `/* plotly.js v${version} with ${TRACES}\nCopyright Plotly, Inc. All rights reserved. Licensed under the MIT license. */` },
});
const part = (ending) => outputFiles.find(({ path }) => path.endsWith(ending)).text;
const sources = Object.keys(metafile.inputs).filter((path) => !path.endsWith(".css"));
const folders = new Set(sources.flatMap((path) => path.match(/^.*node_modules\/(?:@[^/]+\/)?[^/]+/) ?? []));
const licences = await Promise.all([...folders].sort().map(licence));
await writeFile(join(HOME, "plotly.min.js"), inParentheses(part(".min.js")));
await writeFile(join(HOME, "plotly.licences.txt"), [...licences, part(".LEGAL.txt").trim()].join(`\n\n${"-".repeat(80)}\n\n`) + "\n");
