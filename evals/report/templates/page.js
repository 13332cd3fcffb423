"use strict";
// Everything from a sample becomes a text node: nothing is ever parsed as HTML.
const data = JSON.parse(document.getElementById("data").textContent);
const CHUNK = 100;
const at = (id) => document.getElementById(id);
const place = new Map(data.order.map((id, index) => [id, index]));
const WORDS = { failed: "✕ failed", worse: "▼ worse", same: "= same", better: "▲ better", unmatched: data.paired ? "? unmatched" : "" };

function make(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) if (value !== undefined) made.setAttribute(key, value);
  made.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return made;
}
const chip = (text, kind = "") => make("span", { class: `chip ${kind}` }, text);
const many = (count, thing) => `${count} ${thing}${count === 1 ? "" : "s"}`;
const signed = (value) => (value > 0 ? "+" : value < 0 ? "−" : "") + Math.abs(value).toFixed(Math.abs(value) >= 100 ? 0 : 3);
const number = (value) => (value === undefined || value === null ? "–" : Math.abs(value) >= 100 ? value.toFixed(0) : value.toFixed(3));

// Filters
for (const each of data.samples) {
  each.scores = Object.entries(each.scores).map(([metric, score]) => ({ metric, ...score }));
  const said = [each.release, each.champion].filter(Boolean).flatMap((side) => [side.text, side.trouble]);
  each.words = [each.id, each.question, each.reference, ...(each.alternatives || []), ...(each.tags || []), ...said].join("\n").toLowerCase();
}
function choices(id, values, name = (value) => value) {
  for (const value of [...new Set(values)].sort()) at(id)?.append(make("option", { value }, name(value)));
}
choices("tag", data.samples.flatMap((each) => each.tags || []));
choices("status", data.samples.map((each) => each.release.status));
choices("before", data.samples.map((each) => each.champion?.status).filter(Boolean));
choices("metric", data.samples.flatMap((each) => each.scores.map((score) => score.metric)), (metric) => data.titles[metric]);

function moved(each, metric, way) {
  const score = each.scores.find((found) => found.metric === metric);
  if (!score) return false;
  if (way === "without") return score.release === undefined || (data.paired && score.champion === undefined);
  return way === "worse" ? score.gain < 0 : score.gain > 0;
}
function shown() {
  const words = at("text").value.toLowerCase().split(/\s+/).filter(Boolean);
  const [tag, status, before, metric, way] = ["tag", "status", "before", "metric", "way"].map((id) => at(id)?.value || "");
  const regressions = at("regressions")?.checked;
  return data.samples.filter((each) =>
    words.every((word) => each.words.includes(word)) &&
    (!tag || (each.tags || []).includes(tag)) &&
    (!status || each.release.status === status) &&
    (!before || each.champion?.status === before) &&
    (!metric || moved(each, metric, way)) &&
    (!regressions || each.moved === "worse" || each.moved === "failed"));
}
function ordered(samples) {
  const metric = at("metric").value, order = at("order").value;
  const gain = (each) => each.scores.find((score) => score.metric === metric)?.gain ?? 0;
  const keys = {
    dataset: (each) => place.get(each.id),
    confidence: (each) => -(each.release.confidence ?? -1),
    slowest: (each) => -(each.release.seconds ?? -1),
  };
  if (keys[order]) return [...samples].sort((one, other) => keys[order](one) - keys[order](other));
  const worst = metric && data.paired ? [...samples].sort((one, other) => gain(one) - gain(other)) : [...samples];
  return order === "best" ? worst.reverse() : worst;
}

// The list
let found = [], drawn = 0, waiting;
function refresh() {
  clearTimeout(waiting);
  found = ordered(shown());
  drawn = 0;
  at("list").replaceChildren();
  at("count").textContent = `${found.length} of ${data.samples.length} samples`;
  extend();
}
function extend(upTo = drawn + CHUNK) {
  const next = found.slice(drawn, upTo);
  at("list").append(...next.map(row));
  drawn += next.length;
  at("more").hidden = drawn >= found.length;
  at("more").textContent = `Show more (${found.length - drawn} left)`;
}
function row(each) {
  const now = each.release.status, before = each.champion?.status;
  const change = before && before !== now ? `${before} → ${now}` : now;
  const value = data.paired ? each.gain : each.own;
  const shown = value === null || value === undefined ? "–" : data.paired ? signed(value) : number(value);
  const made = make("details", { class: "sample", id: `s-${each.id}` },
    make("summary", {},
      make("span", { class: `change ${each.moved}` }, data.paired || each.moved === "failed" ? WORDS[each.moved] : now),
      make("span", { class: "id" }, each.id),
      make("span", { class: "question" }, each.question),
      make("span", { class: "chips" }, chip(change, now === "declined" && before && before !== now ? "bad" : now === "failed" ? "failed" : "")),
      make("span", { class: "number", title: data.paired ? "mean change" : "mean score" }, shown)));
  made.addEventListener("toggle", () => {
    if (made.open && made.children.length === 1) made.append(body(each));
  });
  return made;
}

// One sample
function body(each) {
  const sides = [["Champion", each.champion, each.release, "before"], ["Release", each.release, each.champion, "now"]].filter(([, side]) => side);
  const both = (draw) => make("div", { class: sides.length > 1 ? "two" : "" }, ...sides.map(draw));
  return make("div", { class: "body" },
    known(each),
    both(([name, side, , kind]) => make("div", { class: `side ${kind}` }, make("h4", {}, name), chips(side), ...said(side))),
    scores(each),
    both(([name, side, , kind]) => make("div", { class: `side ${kind}` }, make("h4", {}, `${name}: ${many(side.citations.length, "citation")}`), ...side.citations.map(citation))),
    passages(each, both));
}
function known(each) {
  const made = make("dl", { class: "known" });
  const add = (name, value) => value && value.length && made.append(make("dt", {}, name), make("dd", {}, value));
  add("Question", each.question);
  for (const turn of each.history || []) add(`Before, ${turn.role}`, turn.content);
  add("Filters", each.filters);
  add("Groups", (each.groups || []).join(", "));
  add("Right answer", each.answerable ? each.reference || "not known" : "none: the documents do not answer it");
  add("Also right", (each.alternatives || []).join("\n"));
  add("Documents", (each.documents || []).join("\n"));
  add("Quotes", (each.quotes || []).join("\n"));
  add("Tags", (each.tags || []).join(", "));
  add("Note", each.note);
  return made;
}
function chips(side) {
  const made = make("div", { class: "chips" }, chip(side.status, side.status));
  if (side.confidence !== undefined) made.append(chip(`confidence ${side.confidence.toFixed(2)}`));
  for (const name of ["route", "rung", "reason"]) if (side[name]) made.append(chip(`${name} ${side[name]}`));
  if (side.repairs) made.append(chip(many(side.repairs.length, "repair")));
  if (side.conflicts) made.append(chip(many(side.conflicts.length, "conflict")));
  if (side.seconds !== undefined) made.append(chip(`${side.seconds.toFixed(2)} s`));
  return made;
}
function said(side) {
  const parts = [];
  if (side.trouble) parts.push(make("p", { class: "said fail" }, side.trouble));
  if (side.text) parts.push(make("p", { class: "said" }, side.text));
  if (side.detail) parts.push(make("p", { class: "where" }, side.detail));
  if (side.nearest) parts.push(make("p", { class: "where" }, `Nearest: ${side.nearest.join("; ")}`));
  return parts;
}
function scores(each) {
  const head = ["Metric", "Release", ...(data.paired ? ["Champion", "Change"] : [])];
  const rows = each.scores.map((score) => {
    const change = score.gain === undefined || score.gain === null ? "–" : Math.abs(score.gain) < 5e-4 ? "=" : `${score.gain < 0 ? "▼" : "▲"} ${number(Math.abs(score.gain))}`;
    const cell = (value, why) => make("td", { class: `number ${why ? "fail" : ""}` }, why || number(value));
    return make("tr", {},
      make("th", { scope: "row" }, data.titles[score.metric]),
      cell(score.release, score.why),
      ...(data.paired ? [cell(score.champion, score.champion_why), make("td", { class: `number ${change[0] === "▼" ? "worse" : change[0] === "▲" ? "better" : ""}` }, change)] : []));
  });
  const worse = each.scores.filter((score) => score.gain < -5e-4 && !data.units[score.metric]).map((score) => data.titles[score.metric]);
  const title = data.paired ? `Scores${worse.length ? `: worse in ${worse.join(", ")}` : ""}` : "Scores";
  return make("details", { open: "" }, make("summary", {}, title), make("div", { class: "scroll thin" }, make("table", { class: "thin" },
    make("thead", {}, make("tr", {}, ...head.map((name, index) => make("th", { scope: "col", class: index ? "number" : "" }, name)))),
    make("tbody", {}, ...rows))));
}
const where = (each) => [each.title, each.section !== each.title ? each.section : "", each.file, each.page ? `page ${each.page}` : "", each.start !== undefined ? `${each.start}–${each.end}` : ""].filter(Boolean).join(" · ");
function citation(each) {
  const support = each.support === undefined ? "" : ` · support ${Number(each.support).toFixed(2)}`;
  return make("div", {}, make("span", { class: "where" }, `[${each.marker}] ${where(each)}${support}`), make("blockquote", {}, each.quote || ""));
}
function passages(each, both) {
  const count = [each.champion, each.release].filter(Boolean).map((side) => (side.passages ? side.passages.length : "unknown")).join(" and ");
  const made = make("details", {}, make("summary", {}, `Passages (${count})`));
  made.addEventListener("toggle", () => {
    if (!made.open || made.children.length > 1) return;
    made.append(both(([name, side, other, kind]) => make("div", { class: `side ${kind}` },
      make("h4", {}, `${name}: ${side.passages ? `${many(side.passages.length, "passage")}, best first` : "the release does not tell its passages"}`),
      ...(side.passages || []).map((index, rank) => passage(each, side, other, index, rank + 1)))));
  });
  return made;
}
function passage(each, side, other, index, rank) {
  const passage = data.passages[index];
  const flags = [];
  if ((each.documents || []).includes(passage.document)) flags.push(chip("right document", "holds"));
  if (other && other.passages && !other.passages.includes(index)) flags.push(chip("only here", "only"));
  return make("div", { class: "passage" },
    make("div", { class: "where" }, `${rank}. ${where(passage)} `, ...flags),
    make("div", { class: "text" }, ...marked(passage, marks(each, side, passage))));
}
// What was cited, and what had to be found, as places in a passage's text.
function marks(each, side, passage) {
  const text = passage.text || "", spans = [];
  for (const cited of side.citations) {
    const start = cited.start - passage.start, end = cited.end - passage.start;
    if (cited.passage === passage.id && start >= 0 && text.slice(start, end) === cited.quote) spans.push([start, end, "cited"]);
  }
  for (const quote of each.quotes || []) {
    const start = text.indexOf(quote);
    if (start >= 0) spans.push([start, start + quote.length, "wanted"]);
  }
  return spans;
}
function marked(passage, spans) {
  const text = passage.text || "", cuts = [...new Set([0, text.length, ...spans.flatMap(([start, end]) => [start, end])])].sort((one, other) => one - other);
  return cuts.slice(1).map((end, index) => {
    const start = cuts[index], piece = text.slice(start, end);
    const kinds = spans.filter((span) => span[0] <= start && end <= span[1]).map((span) => span[2]);
    if (!kinds.length) return piece;
    return make("mark", { class: kinds.includes("wanted") ? "wanted" : "", title: kinds.includes("wanted") ? "a quote that an answer needs" : "cited" }, piece);
  });
}

// What people do
at("filters").addEventListener("input", () => {
  clearTimeout(waiting);
  waiting = setTimeout(refresh, 120);
});
at("clear").addEventListener("click", reset);
at("filters").addEventListener("submit", (event) => event.preventDefault());
at("more").addEventListener("click", () => extend());
document.addEventListener("keydown", (event) => {
  const writing = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
  if (event.key === "/" && !writing) {
    event.preventDefault();
    at("text").focus();
  }
});
function reset() {
  at("filters").reset();
  refresh();
}
function visit() {
  const id = decodeURIComponent(location.hash.slice(1)), name = id.replace(/^s-/, "");
  if (!id.startsWith("s-") || !place.has(name)) return;
  if (!found.some((each) => each.id === name)) reset();
  const index = found.findIndex((each) => each.id === name);
  if (index >= drawn) extend(index + CHUNK);
  const target = at(id);
  if (!target) return;
  target.open = true;
  target.scrollIntoView();
}
addEventListener("hashchange", visit);
refresh();
visit();
