// How all cameras are, in one sentence: on top of the page, in its title, in its icon; and the way to those that are down.

import { $, element, isDown, reasonText, setText, shownState } from "./format.js";

const ICONS = { good: "/static/icon-good.svg", down: "/static/icon-down.svg", wait: "/static/icon-wait.svg" };
const SIGNS = { good: "✓", down: "✕", wait: "?" };
const MOST_NAMED = 6;

let named = "";

export function showSummary(cameras, open, connectionLost) {
  const [state, text] = connectionLost ? ["wait", "No connection"] : inWords(cameras);
  setText($("summary"), text);
  $("summary").dataset.state = state;
  const title = `${SIGNS[state]} ${text}${open === null ? "" : ` · ${open}`} · dgiqa-edge`;
  if (document.title !== title) document.title = title;
  if ($("favicon").getAttribute("href") !== ICONS[state]) $("favicon").setAttribute("href", ICONS[state]);
  nameThose(cameras.filter(isDown));
}

function inWords(cameras) {
  const all = cameras.length;
  const states = cameras.map(shownState);
  const having = (state) => states.filter((it) => it === state).length;
  const down = cameras.filter(isDown).length;
  if (!all) return ["wait", "No camera yet"];
  if (down) return ["down", all === 1 ? "The camera is down" : `${down} of ${all} cameras down`];
  if (having("ended") === all) return ["wait", all === 1 ? "The camera has ended" : `All ${all} cameras have ended`];
  const unknown = having("unknown");
  if (unknown) return ["wait", all === 1 ? "No verdict yet" : `No verdict yet of ${unknown} of ${all} cameras`];
  if (having("ended")) return ["good", `${having("pass")} of ${all} cameras good, the others have ended`];
  return ["good", all === 1 ? "The camera is good" : `All ${all} cameras good`];
}

// Links are kept while they say the same: one that is replaced under the pointer takes no click.
function nameThose(down) {
  const rows = down.slice(0, MOST_NAMED).map((row) => [row.camera, reasonText(row)]);
  if (down.length > MOST_NAMED) rows.push([null, `and ${down.length - MOST_NAMED} more`]);
  const text = JSON.stringify(rows);
  if (text === named) return;
  named = text;
  $("down").hidden = rows.length === 0;
  $("down").replaceChildren(
    ...rows.map(([name, reason]) =>
      name === null
        ? element("span", { class: "quiet" }, reason)
        : element("a", { href: `#${encodeURIComponent(name)}` }, element("b", {}, `✕ ${name}`), ` ${reason}`),
    ),
  );
}
