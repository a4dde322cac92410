// The event stream, kept open across restarts of the program.

const QUIET_MS = 8000; // no message for so long: the connection is dead, whatever the browser says
const AGAIN_MS = 2000;

export function follow({ onHello, onNews, onLost, onSignIn }) {
  let source = null;
  let lastMessage = 0;

  function connect() {
    source?.close();
    lastMessage = Date.now();
    source = new EventSource("/api/stream");
    source.addEventListener("hello", (event) => heard(event, onHello));
    source.addEventListener("news", (event) => heard(event, onNews));
    source.addEventListener("error", () => {
      onLost();
      if (source.readyState === EventSource.CLOSED) askWhy(); // the browser gives up on any answer but 200
    });
  }

  function heard(event, handler) {
    lastMessage = Date.now();
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
    if (Date.now() - lastMessage > QUIET_MS) {
      onLost();
      connect();
    }
  }, 1000);
  connect();
}
