// Draws a checked answer: its text with markers, what it cites, and how it came about.

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
  place.append(...paragraphs(answer, cards), facts(answer));
  if (cards.size) place.append(element("ol", { class: "cards", "aria-label": "Citations" }, ...cards.values()));
  place.append(...warnings(answer), ...answer.conflicts.map(conflict), ...nearest(answer), ...repairs(answer), how(answer));
  place.append(rating(answer, rate));
}

export function showError(place, message, code, requestId) {
  const more = [code, requestId && `request ${requestId}`].filter(Boolean).join(", ");
  place.append(element("p", { class: "error", role: "alert" }, message, more ? ` (${more})` : ""));
}

function paragraphs(answer, cards) {
  return answer.text.split(/\n{2,}/).map((text) => {
    const parts = text.split(/(\[\d+\])/).map((part) => {
      const found = /^\[(\d+)\]$/.exec(part);
      const cited = found && cards.get(Number(found[1]));
      return cited ? marker(found[1], cited) : part;
    });
    return element("p", {}, ...parts);
  });
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
  const page = citation.page ? `page ${citation.page}, ` : "";
  const where = `${citation.file}, ${page}characters ${citation.start} to ${citation.end}`;
  const doubted = citation.verdict === "unverified" ? "unverified, " : "";
  const support = element("span", { class: "support" }, doubted, "support ", citation.support.toFixed(2), " ");
  support.append(element("meter", { min: 0, max: 1, value: citation.support, "aria-hidden": "true" }));
  const head = element("div", { class: "head" }, `[${citation.marker}]`, element("b", {}, citation.title), support);
  const place = element("div", { class: "where" }, where);
  return element("li", { id, tabindex: "-1" }, head, place, element("blockquote", {}, citation.quote));
}

function facts(answer) {
  const reason = answer.reason ? `, ${answer.reason}` : "";
  const spent = Object.values(answer.timings).reduce((sum, each) => sum + each, 0);
  const told = [
    [answer.status, answer.status],
    [`confidence ${answer.confidence.toFixed(2)}`, ""],
    [`route ${answer.route}`, ""],
    [`rung ${answer.rung}${reason}`, ""],
    [answer.cached.includes("answer") ? "from the cache" : `${Math.round(spent)} ms`, ""],
  ];
  return element("ul", { class: "facts", "aria-label": "About this answer" },
    ...told.map(([text, kind]) => element("li", { class: kind }, text)));
}

function warnings(answer) {
  return answer.warnings.map((each) => element("p", { class: "note", role: "status" }, each));
}

function conflict(found) {
  const note = element("p", { class: "note" }, `[${found.marker}] The ${found.version} version of `);
  note.append(`${found.effective_date} says otherwise: `, element("q", {}, found.quote), " ");
  note.append(element("cite", { class: "muted" }, found.file));
  return note;
}

function nearest(answer) {
  if (!answer.nearest.length) return [];
  const list = element("ul", {}, ...answer.nearest.map((each) => element("li", {}, each)));
  return [element("div", { class: "note" }, "Nearest passages:", list)];
}

function repairs(answer) {
  return answer.repairs.map((repair) => element("p", { class: "note" },
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
    ["Asked as", answer.asked], ["Parts", answer.parts.join(" · ")], ["Unanswered", answer.unanswered.join(" · ")],
    ["Not found", answer.missing.join(", ")], ["Model", usage], ["Release", answer.release], ["Snapshot", answer.snapshot],
    ["Request", element("span", {}, element("code", {}, answer.request_id), " ", copy)],
    ["Time", times],
  ].filter(([, shown]) => shown);
  const list = rows.flatMap(([name, shown]) => [element("dt", {}, name), element("dd", {}, shown)]);
  return element("details", { class: "how" }, element("summary", {}, "How it came about"), element("dl", {}, ...list));
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
