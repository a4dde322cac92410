// The event stream, kept open across restarts of the program, and what else goes to and from it.

const QUIET_MS = 8000; // no message for so long: the connection is dead, whatever the browser says
const AGAIN_MS = 2000;

// `onLost` is told since when nothing came, and whether it was this machine that slept. Returns: try at once.
export function follow({ onHello, onNews, onLost, onSignIn }) {
  let source = null;
  let heardAt = Date.now(); // the last message
  let triedAt = 0;
  let tickedAt = Date.now();

  function connect() {
    source?.close();
    triedAt = Date.now();
    source = new EventSource("/api/stream");
    source.addEventListener("hello", (event) => heard(event, onHello));
    source.addEventListener("news", (event) => heard(event, onNews));
    source.addEventListener("error", () => {
      onLost(heardAt, false);
      if (source.readyState === EventSource.CLOSED) askWhy(); // the browser gives up on any answer but 200
    });
  }

  function heard(event, handler) {
    heardAt = Date.now();
    handler(JSON.parse(event.data));
  }

  async function askWhy() {
    try {
      const answer = await fetch("/api/status");
      if (answer.status === 401) {
        onSignIn();
        return;
      }
    } catch {
      // nobody there: try again below
    }
    setTimeout(connect, AGAIN_MS);
  }

  setInterval(() => {
    const slept = Date.now() - tickedAt > QUIET_MS;
    tickedAt = Date.now();
    if (Date.now() - Math.max(heardAt, triedAt) > QUIET_MS) {
      onLost(heardAt, slept);
      connect();
    }
  }, 1000);
  connect();
  return connect;
}

// Again and again while the page is seen; where `step` brings nothing new, the next one is after `idleMs`.
export async function repeat(everyMs, step, idleMs = everyMs) {
  for (;;) {
    const started = performance.now();
    const isNew = !document.hidden && (await step().catch(() => false)); // the stream says that the connection is lost
    const pause = isNew ? Math.max(everyMs / 2, everyMs - (performance.now() - started)) : idleMs;
    await new Promise((done) => setTimeout(done, pause));
  }
}

// A line of JSON, and the bytes that it is about.
export async function parts(answer) {
  const bytes = new Uint8Array(await answer.arrayBuffer());
  const border = bytes.indexOf(10);
  return [JSON.parse(new TextDecoder().decode(bytes.subarray(0, border))), bytes.subarray(border + 1)];
}

// Show a JPEG in an image element that shows another one until it is decoded.
export async function put(image, bytes) {
  image.hidden = bytes.length === 0;
  if (image.hidden) return;
  const url = URL.createObjectURL(new Blob([bytes], { type: "image/jpeg" }));
  const next = new Image();
  next.src = url;
  await next.decode().catch(() => {});
  const old = image.src;
  image.src = url;
  if (old.startsWith("blob:")) URL.revokeObjectURL(old);
}

// Send a document; gives what comes back, or throws an error with the program's own words.
export async function send(path, document, method = "POST") {
  let answer;
  try {
    answer = await fetch(path, { method, body: JSON.stringify(document), headers: { "Content-Type": "application/json" } });
  } catch {
    throw new Error("The program does not answer.");
  }
  if (!answer.ok) throw new Error((await answer.text()).trim());
  return answer.json();
}
