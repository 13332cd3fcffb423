// The page: a conversation with the documents. All text is set as text, never as HTML.

import { ask, call, Refused } from "/static/stream.js";
import { answerText, element, showAnswer, showError } from "/static/answer.js";

const find = (id) => document.getElementById(id);
const OPERATORS = { eq: "is", ne: "is not", gte: "from", lte: "to", gt: "above", lt: "below" };
let session = sessionStorage.getItem("session") || newSession();
let columns = {};
let running = null;

function newSession() {
  const name = crypto.randomUUID();
  sessionStorage.setItem("session", name);
  return name;
}

function theme(wanted) {
  const system = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  const chosen = wanted ?? localStorage.getItem("theme") ?? system;
  document.documentElement.dataset.theme = chosen;
  find("theme").textContent = chosen === "dark" ? "Light" : "Dark";
  if (wanted) localStorage.setItem("theme", wanted);
}

// Asks for a key until one is accepted.
function signIn() {
  return new Promise((resolve) => {
    find("signin").showModal();
    find("signin-form").onsubmit = async (event) => {
      event.preventDefault();
      try {
        await call("/signin", { method: "POST", body: JSON.stringify({ key: find("key").value }) });
        find("key").value = "";
        find("signin").close();
        resolve();
      } catch (error) {
        find("signin-error").textContent = error.message;
      }
    };
  });
}

async function signedIn(path, options) {
  try {
    return await call(path, options);
  } catch (error) {
    if (error.status !== 401) throw error;
    await signIn();
    return signedIn(path, options);
  }
}

function filters() {
  const rows = [...find("filter-rows").children].map((row) => {
    const [column, operator, text] = [...row.querySelectorAll("select, input")].map((each) => each.value);
    return text.trim() ? { [column]: { [operator]: text.trim() } } : null;
  }).filter(Boolean);
  find("filter-count").textContent = rows.length ? `(${rows.length})` : "";
  return rows.length > 1 ? { and: rows } : rows[0] ?? {};
}

function addFilter() {
  const options = (entries) => entries.map(([name, label]) => element("option", { value: name }, label));
  const column = element("select", { "aria-label": "Column" }, ...options(Object.keys(columns).map((name) => [name, name])));
  const operator = element("select", { "aria-label": "Comparison" }, ...options(Object.entries(OPERATORS)));
  const text = element("input", { "aria-label": "Value", placeholder: "value" });
  const remove = element("button", { type: "button", "aria-label": "Remove this filter" }, "Remove");
  const row = element("div", { class: "filter" }, column, operator, text, remove);
  remove.onclick = () => { row.remove(); filters(); };
  text.oninput = filters;
  column.onchange = () => { text.type = columns[column.value] === "date" ? "date" : "text"; };
  find("filter-rows").append(row);
  column.onchange();
  column.focus();
}

function newTurn(question) {
  find("welcome").hidden = true;
  const turn = element("article", { class: "turn" }, element("p", { class: "question" }, question));
  find("thread").append(turn);
  return turn;
}

// Shows steps and draft while the answer is produced; a new writer replaces the draft.
function progress(turn) {
  const steps = element("ol", { class: "steps", "aria-label": "Steps" });
  const draft = element("div", { class: "draft", hidden: "" });
  turn.append(steps, draft);
  return (item) => {
    if (item.event === "token") {
      draft.hidden = false;
      draft.textContent += item.text;
    } else if (item.event === "status") {
      if (item.step === "generate" || item.step === "fallback") draft.textContent = "";
      draft.hidden = !draft.textContent;
      for (const each of steps.children) each.removeAttribute("aria-current");
      steps.append(element("li", { "aria-current": "step" }, item.step));
    }
  };
}

async function send(question) {
  const turn = newTurn(question);
  const show = progress(turn);
  const live = element("div", { class: "answer", "aria-live": "polite" });
  running = new AbortController();
  busy(true);
  turn.scrollIntoView({ block: "start" });
  try {
    for await (const item of ask({ question, filters: filters(), session_id: session }, running.signal)) {
      show(item);
      if (item.event === "final" || item.event === "error") {
        turn.replaceChildren(turn.firstChild, live);
        if (item.event === "final") showAnswer(live, item.answer, rate);
        else showError(live, item.error.message, item.error.code, item.error.request_id);
      }
    }
  } catch (error) {
    turn.replaceChildren(turn.firstChild, live);
    if (error.status === 401) return void (await signIn(), turn.remove(), await send(question));
    const stopped = running.signal.aborted;
    showError(live, stopped ? "Stopped." : error.message, error instanceof Refused ? error.code : "", error.requestId);
  } finally {
    busy(false);
  }
}

function busy(on) {
  find("send").hidden = on;
  find("stop").hidden = !on;
  if (!on) find("question").focus({ preventScroll: true });
}

async function rate(requestId, rating, comment) {
  await signedIn("/feedback", { method: "POST", body: JSON.stringify({ request_id: requestId, rating, comment }) });
}

async function listConversations() {
  const conversations = await (await signedIn("/conversations")).json();
  const rows = conversations.map((each) => {
    const open = element("button", { type: "button", class: "open", title: each.title }, each.title || each.session_id);
    const remove = element("button", { type: "button", "aria-label": `Delete ${each.title}` }, "Delete");
    open.onclick = () => openConversation(each.session_id);
    remove.onclick = async () => {
      await signedIn(`/conversations/${each.session_id}`, { method: "DELETE" });
      if (each.session_id === session) newConversation();
      await listConversations();
    };
    return element("li", {}, open, remove);
  });
  find("conversation-list").replaceChildren(...(rows.length ? rows : [element("li", { class: "muted" }, "None yet.")]));
}

function newConversation() {
  session = newSession();
  for (const turn of document.querySelectorAll(".turn")) turn.remove();
  find("welcome").hidden = false;
  find("question").focus();
}

async function openConversation(name) {
  const { turns } = await (await signedIn(`/conversations/${name}`)).json();
  newConversation();
  session = name;
  sessionStorage.setItem("session", name);
  find("conversations").open = false;
  let turn = null;
  for (const message of turns) {
    if (message.role === "user") turn = newTurn(message.content);
    else turn?.append(element("div", { class: "answer" }, ...answerText(message.content)));
  }
}

function example(question) {
  const button = element("button", { type: "button" }, question);
  button.onclick = () => { if (find("stop").hidden) send(question); };
  return element("li", {}, button);
}

function submit(event) {
  event.preventDefault();
  const question = find("question").value.trim();
  if (!question || !find("stop").hidden) return;
  find("question").value = "";
  grow();
  send(question);
}

function grow() {
  const box = find("question");
  box.style.height = "auto";
  box.style.height = `${box.scrollHeight}px`;
}

function keys(event) {
  const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement.tagName);
  if (event.key === "Escape") running?.abort();
  if (event.key === "/" && !typing) {
    event.preventDefault();
    find("question").focus();
  }
}

find("form").onsubmit = submit;
find("question").oninput = grow;
find("question").onkeydown = (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) submit(event);
};
find("stop").onclick = () => running?.abort();
find("new").onclick = newConversation;
find("theme").onclick = () => theme(document.documentElement.dataset.theme === "dark" ? "light" : "dark");
find("conversations").ontoggle = () => { if (find("conversations").open) listConversations(); };
find("add-filter").onclick = addFilter;
document.addEventListener("keydown", keys);
theme();
const about = await (await signedIn("/page/about")).json();
columns = about.columns;
find("release").textContent = about.release;
const examples = await (await signedIn("/examples")).json();
find("examples").replaceChildren(...examples.questions.map(example));
