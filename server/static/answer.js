// Draws a checked answer: its text with markers, tables and unverified sentences, its citations and its details.

import { openDocument, placeOf } from "/static/document.js";

export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

let answers = 0;

export function showAnswer(place, answer, rate) {
  answers += 1;
  const cards = new Map(answer.citations.map((each) => [each.marker, card(each, `a${answers}-c${each.marker}`)]));
  place.append(...answerText(answer.text, answer, cards), facts(answer), ...gaps(answer));
  if (cards.size) place.append(element("ol", { class: "cards", "aria-label": "Citations" }, ...cards.values()));
  place.append(...warnings(answer), ...answer.conflicts.map(conflict), ...nearest(answer), ...repairs(answer), how(answer));
  place.append(rating(answer, rate));
}

export function showError(place, message, code, requestId) {
  const more = [code, requestId && `request ${requestId}`].filter(Boolean).join(", ");
  place.append(element("p", { class: "error", role: "alert" }, message, more ? ` (${more})` : ""));
}

// The text as paragraphs and tables. A quoted table row reads `Label: cell; Label: cell [1]`, and cites a row.
export function answerText(text, { citations, repairs } = { citations: [], repairs: [] }, cards = new Map()) {
  const rows = new Set(citations.filter((each) => cellsOf(each.quote)).map((each) => each.marker));
  const unverified = repairs.filter((each) => each.action === "unverified").map((each) => withoutMarkers(each.claim));
  return text.split(/\n{2,}/).flatMap((block) => {
    const nodes = [];
    for (const claim of block.match(/[\s\S]+?(?:\[\d+\]\s*)+|[\s\S]+$/g) ?? []) {
      const markers = [...claim.matchAll(/\[(\d+)\]/g)].map((each) => Number(each[1]));
      const cells = markers.some((each) => rows.has(each)) ? labelled(withoutMarkers(claim)) : null;
      if (cells) addRow(nodes, cells, markers.map((each) => linked(each, cards)));
      else addClaim(nodes, claim, cards, unverified.some((each) => withoutMarkers(claim).includes(each)));
    }
    return nodes;
  });
}

function withoutMarkers(text) {
  return text.replace(/\s*\[\d+\]/g, "").trim();
}

// The rows of a quote that is part of a Markdown table; null for other quotes.
export function cellsOf(quote) {
  const lines = quote.trim().split("\n");
  if (!lines.every((line) => line.trim().startsWith("|"))) return null;
  const rows = lines.map((line) => line.trim().replace(/^\||\|$/g, "").split("|").map((cell) => cell.trim()));
  return rows.filter((cells) => !cells.every((cell) => /^:?-+:?$/.test(cell)));
}

function labelled(text) {
  const cells = text.replace(/\.$/, "").split("; ").map((part) => /^([^:]{1,80}): ([\s\S]+)$/.exec(part)?.slice(1) ?? ["", part]);
  return cells.filter(([label]) => label).length > 1 ? cells : null;
}

function addRow(nodes, cells, links) {
  const labels = cells.map(([label]) => label);
  const key = JSON.stringify(labels);
  let table = nodes.at(-1);
  if (table?.dataset.labels !== key) {
    table = element("table", { "data-labels": key }, element("tr", {}, ...labels.map((each) => element("th", {}, each))));
    nodes.push(table);
  }
  const shown = cells.map(([, cell]) => element("td", {}, cell));
  shown.at(-1).append(" ", ...links);
  table.append(element("tr", {}, ...shown));
}

function addClaim(nodes, claim, cards, unverified) {
  if (nodes.at(-1)?.tagName !== "P") nodes.push(element("p"));
  const parts = claim.split(/(\[\d+\])/).map((part) => {
    const found = /^\[(\d+)\]$/.exec(part);
    return found ? linked(Number(found[1]), cards) : part;
  });
  if (!unverified) return nodes.at(-1).append(...parts);
  const note = element("span", { class: "tag" }, "unverified");
  nodes.at(-1).append(element("span", { class: "unverified", title: "The check could not decide this" }, ...parts), note, " ");
}

function linked(number, cards) {
  return cards.has(number) ? marker(number, cards.get(number)) : `[${number}]`;
}

function marker(number, cited) {
  const link = element("a", { class: "marker", href: `#${cited.id}`, "aria-label": `Citation ${number}` }, number);
  const near = (on) => () => cited.classList.toggle("near", on);
  for (const on of ["mouseenter", "focus"]) link.addEventListener(on, near(true));
  for (const off of ["mouseleave", "blur"]) link.addEventListener(off, near(false));
  link.onclick = (event) => {
    event.preventDefault();
    cited.focus();
    cited.scrollIntoView({ block: "center", behavior: "smooth" });
  };
  return link;
}

function card(citation, id) {
  const support = element("span", { class: "support" }, "support ", citation.support.toFixed(2), " ");
  support.append(element("meter", { min: 0, max: 1, value: citation.support, "aria-hidden": "true" }));
  if (citation.verdict === "unverified") support.prepend(element("span", { class: "tag" }, "unverified"), " ");
  const head = element("div", { class: "head" }, `[${citation.marker}]`, element("b", {}, citation.title), support);
  const rows = cellsOf(citation.quote);
  const quote = rows ? element("table", {}, ...rows.map(tableRow)) : citation.quote;
  const open = element("button", { type: "button", class: "open" }, "Open document");
  open.onclick = () => openDocument(citation);
  const place = element("div", { class: "where" }, placeOf(citation));
  return element("li", { id, tabindex: "-1" }, head, place, element("blockquote", {}, quote), open);
}

export function tableRow(cells) {
  return element("tr", {}, ...cells.map((cell) => element("td", {}, cell)));
}

function inOneLine(quote) {
  return cellsOf(quote)?.map((cells) => cells.join(": ")).join("; ") ?? quote;
}

// What the answer leaves out: parts of the question without an answer, and names that the documents do not have.
function gaps(answer) {
  const lists = [["Not answered:", answer.unanswered], ["Not found in the documents:", answer.missing]];
  return lists.filter(([, items]) => items.length).map(([label, items]) =>
    element("div", { class: "note gap" }, label, element("ul", {}, ...items.map((each) => element("li", {}, each)))));
}

function facts(answer) {
  const reason = answer.reason ? `, ${answer.reason}` : "";
  const spent = Object.values(answer.timings).reduce((sum, each) => sum + each, 0);
  const items = [
    [answer.status, answer.status],
    [`confidence ${answer.confidence.toFixed(2)}`, ""],
    [`route ${answer.route}`, ""],
    [`rung ${answer.rung}${reason}`, ""],
    [answer.cached.includes("answer") ? "from the cache" : `${Math.round(spent)} ms`, ""],
  ];
  return element("ul", { class: "facts", "aria-label": "About this answer" },
    ...items.map(([text, kind]) => element("li", { class: kind }, text)));
}

function warnings(answer) {
  return answer.warnings.map((each) => element("p", { class: "note", role: "status" }, each));
}

function conflict(found) {
  const note = element("p", { class: "note" }, `[${found.marker}] The ${found.version} version of `);
  note.append(`${found.effective_date} says otherwise: `, element("q", {}, inOneLine(found.quote)), " ");
  note.append(element("cite", { class: "muted" }, found.file));
  return note;
}

function nearest(answer) {
  if (!answer.nearest.length) return [];
  const list = element("ul", {}, ...answer.nearest.map((each) => element("li", {}, each)));
  return [element("div", { class: "note" }, "Nearest passages:", list)];
}

function repairs(answer) {
  return answer.repairs.filter((each) => each.action !== "unverified").map((repair) => element("p", { class: "note" },
    `${repair.action[0].toUpperCase()}${repair.action.slice(1)} by the check: `, element("q", {}, repair.claim),
    repair.because ? ` (${repair.because})` : ""));
}

function how(answer) {
  const most = Math.max(1, ...Object.values(answer.timings));
  const times = element("div", { class: "times" });
  for (const [step, spent] of Object.entries(answer.timings)) {
    const bar = element("progress", { max: most, value: spent, "aria-label": `${step} ${spent.toFixed(0)} ms` });
    times.append(element("span", {}, step), bar, element("span", {}, `${spent.toFixed(0)} ms`));
  }
  const copy = element("button", { type: "button" }, "Copy");
  copy.onclick = () => navigator.clipboard.writeText(answer.request_id).then(() => { copy.textContent = "Copied"; });
  const usage = `${answer.usage.model}: ${answer.usage.input_tokens} tokens in, ${answer.usage.output_tokens} out`;
  const rows = [
    ["Searched as", answer.asked], ["Parts", answer.parts.join(" · ")], ["Model", usage], ["Release", answer.release], ["Snapshot", answer.snapshot],
    ["Request", element("span", {}, element("code", {}, answer.request_id), " ", copy)],
    ["Time", times],
  ].filter(([, shown]) => shown);
  const list = rows.flatMap(([name, shown]) => [element("dt", {}, name), element("dd", {}, shown)]);
  return element("details", { class: "how" }, element("summary", {}, "Details"), element("dl", {}, ...list));
}

function rating(answer, rate) {
  const said = element("span", { role: "status" });
  const comment = element("input", { "aria-label": "Comment", placeholder: "What was good or wrong? Enter sends.", hidden: "" });
  const buttons = [["up", "Helpful"], ["down", "Not helpful"]].map(([kind, label]) =>
    element("button", { type: "button", "aria-pressed": "false", "data-rating": kind }, label));
  const tell = async (kind) => {
    try {
      await rate(answer.request_id, kind, comment.value);
      said.textContent = "Thank you.";
    } catch (error) {
      said.textContent = error.message;
    }
  };
  for (const button of buttons) {
    button.onclick = async () => {
      for (const each of buttons) each.setAttribute("aria-pressed", String(each === button));
      comment.hidden = false;
      await tell(button.dataset.rating);
      comment.focus({ preventScroll: true });
    };
  }
  comment.onkeydown = (event) => {
    const chosen = buttons.find((each) => each.getAttribute("aria-pressed") === "true");
    if (event.key === "Enter" && chosen) tell(chosen.dataset.rating);
  };
  return element("div", { class: "rate", role: "group", "aria-label": "Rate this answer" }, ...buttons, comment, said);
}
