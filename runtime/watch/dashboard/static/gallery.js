// Rejected frames, newest first, and the list of what happened.

import { badge, clock, count, cueText, decimal, duration, element, look } from "./format.js";

const $ = (id) => document.getElementById(id);

export class Gallery {
  constructor() {
    this.camera = null;
    this.cards = new Map();
  }

  show(camera, rejects, most) {
    if (camera !== this.camera) {
      this.camera = camera;
      this.cards.clear();
      $("gallery").replaceChildren();
    }
    const kept = rejects.slice(-most);
    const numbers = new Set(kept.map((reject) => reject.number));
    for (const [number, card] of this.cards) {
      if (!numbers.has(number)) {
        card.remove();
        this.cards.delete(number);
      }
    }
    for (const reject of kept) {
      if (!this.cards.has(reject.number)) this.add(reject);
    }
    $("gallery-count").textContent = kept.length ? `the last ${kept.length}` : "none so far";
  }

  add(reject) {
    const source = `/api/reject.jpg?camera=${encodeURIComponent(this.camera)}&number=${reject.number}`;
    const picture = element("img", { src: source, alt: "", loading: "lazy", width: 240, height: 135 });
    const text = `${clock(reject.captured_at)} · ${reject.verdict.reason}`;
    const score = `score ${decimal(reject.verdict.score, 3)}`;
    const card = element("button", { type: "button", class: "reject-card" }, picture, element("span", {}, text), element("span", { class: "quiet numbers" }, score));
    card.addEventListener("click", () => enlarge(source, reject));
    picture.addEventListener("error", () => card.classList.add("gone"));
    this.cards.set(reject.number, card);
    $("gallery").prepend(card);
  }
}

function enlarge(source, reject) {
  const { verdict } = reject;
  const parts = [clock(reject.captured_at), `frame ${count(reject.index)}`, verdict.reason, cueText(verdict), `score ${decimal(verdict.score, 3)}`];
  $("large-picture").src = source;
  $("large-text").textContent = parts.filter(Boolean).join(" · ");
  $("large").showModal();
}

export function showLog(entries) {
  const rows = [...entries].reverse().map((entry) => {
    const [state, ...texts] = stateAndTexts(entry);
    const what = state === "failed" ? element("span", { class: "badge", "data-state": state }, "! failed") : badge(state);
    const [first, ...rest] = texts.filter(Boolean);
    return element(
      "li",
      {},
      element("time", { class: "quiet" }, clock(entry.captured_at)),
      what,
      element("span", {}, first ?? ""),
      ...rest.map((text) => element("span", { class: "quiet" }, text)),
    );
  });
  $("log").replaceChildren(...(rows.length ? rows : [element("li", { class: "quiet" }, "Nothing yet.")]));
}

// The same in words, for those who hear it.
export function logText(entry) {
  const [state, ...texts] = stateAndTexts(entry);
  return [state === "failed" ? state : look(state).word, ...texts.filter(Boolean)].join(", ");
}

// State of an entry, then its texts, the most important first.
function stateAndTexts(entry) {
  const { outcome, verdict } = entry;
  if (outcome === "failed") return [outcome, entry.error ?? ""];
  if (outcome === "scored") return [verdict.state, verdict.reason, cueText(verdict)];
  if (outcome === "returned") return [outcome, `after ${duration(entry.away_s)}`];
  const since = entry.away_s >= 1 ? `last frame ${duration(entry.away_s)} before` : "";
  return [outcome, verdict.reason === outcome ? "" : verdict.reason, since, entry.error];
}
