// Opens a cited document at its quote.

import { cellsOf, element, tableRow } from "/static/answer.js";
import { call } from "/static/stream.js";

const find = (id) => document.getElementById(id);

export async function openDocument(citation) {
  const { start, end } = citation;
  find("document-title").textContent = citation.title;
  find("document-place").textContent = placeOf(citation);
  find("document-text").replaceChildren("Loading…");
  find("document").showModal();
  try {
    show(await (await call(`/documents?${new URLSearchParams({ document: citation.document, start, end })}`)).json());
  } catch (error) {
    find("document-text").replaceChildren(element("span", { class: "error", role: "alert" }, error.message));
  }
}

export function placeOf(citation) {
  const page = citation.page ? `page ${citation.page}, ` : "";
  return `${citation.file}, ${page}characters ${citation.start} to ${citation.end}`;
}

function show(excerpt) {
  const text = excerpt.before + excerpt.cited + excerpt.after;
  const span = [excerpt.before.length, excerpt.before.length + excerpt.cited.length];
  const nodes = [excerpt.begins ? "" : "… "];
  let start = 0;
  for (const line of text.split(/(?<=\n)/)) {
    const marked = start < span[1] && start + line.trimEnd().length > span[0];
    const [row] = cellsOf(line) ?? [null];
    if (row) addRow(nodes, row, marked);
    else if (!cellsOf(line)) nodes.push(...markedLine(line, marked, span.map((each) => each - start)));
    start += line.length;
  }
  find("document-text").replaceChildren(...nodes, excerpt.ends ? "" : " …");
  const mark = find("document-text").querySelector("mark, .marked");
  mark?.scrollIntoView({ block: "center" });
}

function addRow(nodes, cells, marked) {
  if (nodes.at(-1)?.tagName !== "TABLE") nodes.push(element("table"));
  const row = tableRow(cells);
  if (marked) row.classList.add("marked");
  nodes.at(-1).append(row);
}

function markedLine(line, marked, [from, to]) {
  if (!marked) return [/^#+ /.test(line) ? element("b", {}, line) : line];
  const [first, last] = [Math.max(0, from), Math.min(line.length, to)];
  return [line.slice(0, first), element("mark", {}, line.slice(first, last)), line.slice(last)];
}
