// Rejected frames, newest first, each with why, and the list of what happened.

import { $, badge, clock, cueText, decimal, duration, element, look } from "./format.js";


export class Gallery {
  // `onOpen` is given the picture's address and the record of a frame that is chosen.
  constructor(onOpen) {
    this.onOpen = onOpen;
    this.cards = new Map();
  }

  clear() {
    this.cards.clear();
    $("gallery").replaceChildren();
  }

  show(camera, rejects) {
    const numbers = new Set(rejects.map((reject) => reject.number));
    for (const [number, card] of this.cards) {
      if (!numbers.has(number)) {
        card.remove();
        this.cards.delete(number);
      }
    }
    for (const reject of rejects) if (!this.cards.has(reject.number)) this.add(camera, reject);
    $("gallery-count").textContent = rejects.length ? `the last ${rejects.length}` : "none so far";
  }

  add(camera, reject) {
    const { verdict } = reject;
    const source = `/api/reject.jpg?${new URLSearchParams({ camera, number: reject.number })}`;
    const picture = element("img", { src: source, alt: "", loading: "lazy", width: 240, height: 135 });
    const why = cueText(verdict) || `score ${decimal(verdict.score, 3)}`;
    const texts = [element("b", {}, `✕ ${verdict.reason}`), element("span", { class: "numbers" }, why), element("time", { class: "quiet numbers" }, clock(reject.captured_at))];
    const card = element("button", { type: "button", class: "reject-card" }, picture, ...texts);
    card.addEventListener("click", () => this.onOpen(source, reject));
    picture.addEventListener("error", () => card.classList.add("gone"));
    this.cards.set(reject.number, card);
    $("gallery").prepend(card);
  }
}

export function showLog(entries) {
  const rows = [...entries].reverse().map((entry) => {
    const [state, ...texts] = stateAndTexts(entry);
    const [first, ...rest] = texts.filter(Boolean);
    return element(
      "li",
      {},
      element("time", { class: "quiet" }, clock(entry.captured_at)),
      badge(state),
      element("span", {}, first ?? ""),
      ...rest.map((text) => element("span", { class: "quiet" }, text)),
    );
  });
  $("log").replaceChildren(...(rows.length ? rows : [element("li", { class: "quiet" }, "Nothing yet.")]));
}

// The same in words, for those who hear it.
export function logText(entry) {
  const [state, ...texts] = stateAndTexts(entry);
  return [look(state).word, ...texts.filter(Boolean)].join(", ");
}

// State of an entry, then its texts, the most important first.
function stateAndTexts(entry) {
  const { outcome, verdict } = entry;
  if (outcome === "failed") return [outcome, entry.error ?? ""];
  if (outcome === "scored") return [verdict.state, verdict.reason === look(verdict.state).word ? "" : verdict.reason, cueText(verdict)];
  if (outcome === "returned") return [outcome, `after ${duration(entry.away_s)}`];
  const since = entry.away_s >= 1 ? `last frame ${duration(entry.away_s)} before` : "";
  return [outcome, verdict.reason === outcome ? "" : verdict.reason, since, entry.error];
}
