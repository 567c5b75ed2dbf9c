// Requests to the server: of each kind at most one is on its way, and of those that wait only the last.

const token = document.querySelector("meta[name=lab-token]").content;

export async function ask(job, data) {
  const response = await fetch(`/do/${job}`, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-Lab-Token": token },
    body: JSON.stringify(data),
  });
  if (!response.ok) throw new Error((await response.text()).trim());
  return response.json();
}

/** Call `each` with every line of a long answer; `signal` ends it. */
export async function listen(job, data, each, signal) {
  const response = await fetch(`/do/${job}`, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-Lab-Token": token },
    body: JSON.stringify(data),
    signal,
  });
  if (!response.ok) throw new Error((await response.text()).trim());
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    const lines = (rest + (value ?? "")).split("\n");
    rest = done ? "" : lines.pop();
    for (const line of lines) if (line.trim()) each(JSON.parse(line));
    if (done) return;
  }
}

export class Line {
  /** `say` makes the data when they are sent, `hear` gets the answer, and what was sent. */
  constructor(job, hear, fail) {
    Object.assign(this, { job, hear, fail, busy: false, next: null });
  }

  async send(say) {
    this.next = say;
    if (this.busy) return;
    this.busy = true;
    while (this.next) {
      const data = this.next();
      this.next = null;
      try {
        const answer = await ask(this.job, data);
        this.hear(answer, data);
      } catch (error) {
        this.fail(error);
      }
    }
    this.busy = false;
  }

  /** Forget what waits. */
  drop() { this.next = null; }
}
