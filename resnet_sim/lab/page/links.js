// A state in the fragment of a link: JSON, deflated, in base64 for addresses; as resnet_sim/lab/links.py.

const MARK = "#lab=";

const MOST = 4_000_000; // bytes: a few in a link can stand for gigabytes

async function piped(bytes, through) {
  const reader = new Blob([bytes]).stream().pipeThrough(through).getReader(), parts = [];
  for (let size = 0; ; ) {
    const { value, done } = await reader.read();
    if (done) return new Uint8Array(await new Blob(parts).arrayBuffer());
    size += value.length;
    if (size > MOST) { await reader.cancel(); throw new Error("too long"); }
    parts.push(value);
  }
}

export async function linkTo(state) {
  const bytes = await piped(new TextEncoder().encode(JSON.stringify(state)), new CompressionStream("deflate-raw"));
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  const coded = btoa(text).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
  return `${location.origin}/${MARK}${coded}`;
}

/** The state in a fragment; null if there is none, or it is damaged. */
export async function stateIn(fragment) {
  if (!fragment.startsWith(MARK)) return null;
  try {
    const text = atob(fragment.slice(MARK.length).replaceAll("-", "+").replaceAll("_", "/"));
    const bytes = await piped(Uint8Array.from(text, (c) => c.charCodeAt(0)), new DecompressionStream("deflate-raw"));
    const state = JSON.parse(new TextDecoder().decode(bytes));
    if (typeof state.deck !== "string") return null;
    return { deck: state.deck, values: state.values ?? {}, switches: state.switches ?? {} };
  } catch {
    return null;
  }
}
