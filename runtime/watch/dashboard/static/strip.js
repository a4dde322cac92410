// Everything that was measured of the frame that is shown, each against its threshold; the one that decided is marked.

import { $, element, meaning, measure, setText, shownCheck, svg } from "./format.js";

// What the numbers are; those of the fault head are explained by the vocabulary.
const MEANINGS = {
  score: "The learned quality of the picture: 0 worst, 1 best.",
  luminance: "How bright the bright parts are: the grey level (0 to 255) that 95 % of the picture does not exceed.",
  shadows: "Share of the picture that is darker than grey level 32.",
  clipped: "Share of the picture in which a colour is at its limit.",
  sharpness: "Fine detail as a multiple of coarser detail: 0.25 is blurred, 0.5 sharp.",
  noise: "Grain, in grey levels.",
  haze: "How veiled even the dark places are: 0 not at all, 1 wholly.",
  contrast: "Grey levels between the dark and the bright parts.",
  occlusion: "Share of the picture without any texture.",
  change: "What differs from the last frames, in grey levels. Nothing at all for some seconds: the picture is frozen.",
  smear: "Share of the picture that looks made up by a decoder.",
  moved: "How far the view has moved from its reference, as a share of the picture's width.",
  likeness: "How like the picture is to its reference view: 1 the same, 0 not at all.",
  cast: "How far the colours are from those of the reference view.",
  chroma: "Colour, in levels: next to none in an infra-red picture, which is how a profile is chosen.",
};
const ACCEPT_AT = 40; // per cent of a bar: from here on the camera's picture is not good any more

export class Strip {
  constructor(world) {
    this.world = world;
    this.items = new Map();
    $("strip").addEventListener("pointerleave", () => this.explain(document.activeElement?.dataset?.check ?? this.tapped));
    this.tapped = null;
  }

  // `record`: of the frame; null: there is none.
  show(record, thresholds) {
    const values = record ? { score: record.verdict?.score, ...record.cues, ...prefixed(record.faults) } : {};
    const names = Object.keys(values).filter((name) => values[name] != null);
    for (const [name, item] of this.items) {
      if (names.includes(name)) continue;
      item.row.remove();
      this.items.delete(name);
    }
    for (const name of names) {
      if (!this.items.has(name)) this.add(name);
      this.update(this.items.get(name), name, values[name], thresholds, record.verdict);
    }
    if (!names.length) this.tapped = null;
  }

  add(name) {
    const item = { sign: element("span", { class: "strip-sign" }), value: element("b"), limit: element("span", { class: "quiet" }), bar: element("span", { class: "strip-bar" }) };
    const title = element("span", {}, item.sign, shownCheck(name));
    item.button = element("button", { type: "button", "data-check": name, "aria-describedby": "strip-says" }, title, item.value, item.bar, item.limit);
    item.button.addEventListener("pointerenter", () => this.explain(name));
    item.button.addEventListener("focus", () => this.explain(name));
    item.button.addEventListener("click", () => this.explain((this.tapped = name)));
    item.row = element("li", {}, item.button);
    this.items.set(name, item);
    $("strip").append(item.row);
  }

  update(item, name, value, thresholds, verdict) {
    const check = this.world.hello?.checks[name];
    const [reject, accept] = [thresholds[`${name}.reject`], thresholds[`${name}.accept`]];
    const beyond = (limit) => limit != null && (check.side === "below" ? value < limit : value > limit);
    const level = !check ? "none" : beyond(reject) ? "bad" : beyond(accept) ? "doubt" : "good";
    const decides = verdict?.cue === name;
    item.button.dataset.level = level;
    item.button.classList.toggle("decides", decides);
    item.sign.textContent = decides ? "▶ " : { bad: "✕ ", doubt: "! ", good: "", none: "" }[level];
    item.value.textContent = measure(value);
    const limit = check && reject != null ? `reject ${check.side} ${measure(reject)}` : "no threshold";
    // A check that has rejected does so until the value is back beyond its other threshold.
    const again = decides && reject !== accept && verdict.threshold === accept ? `, until ${measure(accept)}` : "";
    item.limit.textContent = decides ? `${limit}${again} · decides` : limit;
    item.bar.replaceChildren(check && accept != null ? bar(value, accept, reject, check.worst) : bar());
  }

  explain(name) {
    if (!this.items.has(name)) return;
    const check = this.world.hello.checks[name];
    const text = name.startsWith("faults.")
      ? `How likely it is, as the network sees it. ${meaning(this.world.hello, check?.reason)}`
      : `${MEANINGS[name] ?? ""}${check ? ` Beyond its threshold the picture is “${check.reason}”.` : ""}`;
    setText($("strip-says"), `${shownCheck(name)}: ${text}`);
  }
}

function prefixed(faults) {
  return Object.fromEntries(Object.entries(faults ?? {}).map(([name, value]) => [`faults.${name}`, value]));
}

// From good on the left to the worst on the right, whichever way the number itself goes.
function bar(value, accept, reject, worst) {
  const at = (number) => Math.min(100, Math.max(0, ACCEPT_AT + ((100 - ACCEPT_AT) * (number - accept)) / (worst - accept || 1)));
  const parts = [svg("rect", { width: 100, height: 8, class: "track" })];
  if (value != null) {
    parts.push(svg("rect", { width: Math.max(1, at(value)), height: 8, class: "fill" }));
    if (reject != null) parts.push(svg("rect", { x: Math.min(98.5, at(reject)), width: 1.5, height: 8, class: "limit" }));
  }
  return svg("svg", { viewBox: "0 0 100 8", preserveAspectRatio: "none", "aria-hidden": "true" }, ...parts);
}
