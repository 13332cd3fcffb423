// Asks over /rag/stream.

// The same page is served for production, staging and each version: requests go to the same prefix.
const PREFIX = (location.pathname.match(/^\/(?:staging|versions\/\d+)(?=\/|$)/) ?? [""])[0];

export class Refused extends Error {
  constructor(problem, status) {
    super(problem.message);
    this.code = problem.code;
    this.requestId = problem.request_id;
    this.status = status;
  }
}

export async function call(path, options = {}) {
  const headers = { "content-type": "application/json", ...options.headers };
  const reply = await fetch(PREFIX + path, { ...options, headers, credentials: "same-origin" });
  if (reply.ok) return reply;
  const body = await reply.json().catch(() => null);
  const unknown = { code: "unavailable", message: `The server answered ${reply.status}.`, request_id: "" };
  throw new Refused(body?.error ?? unknown, reply.status);
}

async function* events(reply) {
  const reader = reply.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      const blocks = (rest + value).split(/\r?\n\r?\n/);
      rest = blocks.pop();
      for (const block of blocks) {
        const lines = block.split(/\r?\n/);
        const data = lines.filter((line) => line.startsWith("data:")).map((line) => line.slice(5)).join("\n");
        if (data.trim()) yield JSON.parse(data);
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

// Yields every item; ends after `final` or `error`, or when the signal says so.
export async function* ask(input, signal) {
  const reply = await call("/rag/stream", { method: "POST", body: JSON.stringify({ input }), signal });
  for await (const item of events(reply)) {
    if (typeof item.seq !== "number") continue;
    yield item;
    if (item.event === "final" || item.event === "error") return;
  }
  throw new TypeError("The stream ended before the answer.");
}
