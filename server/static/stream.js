// Asks over /rag/stream, and resumes after a lost connection.

const TRIES = 5;
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

// Yields every item once; ends after `final` or `error`, or when the signal says so.
export async function* ask(input, signal) {
  const body = JSON.stringify({ input });
  let last = -1;
  let name = "";
  for (let tries = 0; ; tries += 1) {
    try {
      const reply = name
        ? await call(`/rag/streams/${name}?after=${last}`, { signal })
        : await call("/rag/stream", { method: "POST", body, signal, headers: { "warrant-resumable": "true" } });
      for await (const item of events(reply)) {
        if (typeof item.seq !== "number" || item.seq <= last) continue;
        last = item.seq;
        name ||= item.request_id ?? "";
        yield item;
        if (item.event === "final" || item.event === "error") return;
      }
      throw new TypeError("The stream ended before the answer.");
    } catch (error) {
      // A stopped stream is not resumed: the server need not wait.
      if (signal.aborted && name) call(`/rag/streams/${name}`, { method: "DELETE" }).catch(() => {});
      if (signal.aborted || error instanceof Refused || !name || tries >= TRIES) throw error;
      await new Promise((resolve) => setTimeout(resolve, 300 * 2 ** tries));
    }
  }
}
