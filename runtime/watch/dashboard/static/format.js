// Numbers, times and elements as the page shows them.

export const NOTHING = "–";
export const STATES = {
  pass: { sign: "✓", word: "pass" },
  reject: { sign: "✕", word: "reject" },
  unknown: { sign: "?", word: "unknown" },
};
// Of a camera, where it is not the gate's state that counts.
const PRESENCES = {
  starting: { sign: "○", word: "starting" },
  lost: { sign: "✕", word: "lost" },
  returned: { sign: "✓", word: "returned" },
  ended: { sign: "■", word: "ended" },
};

// "live", "lost", "ended" or "connecting": what a camera's pill says.
export function presence(status) {
  if (!status || status.state === "connecting") return "connecting";
  if (status.state === "ended" || status.state === "stopped") return "ended";
  return status.lost || status.state !== "live" ? "lost" : "live";
}

// What a badge says of a camera: that it is lost or over, else the gate's state.
export function shownState(status) {
  const now = presence(status);
  return now === "lost" || now === "ended" ? now : (status?.verdict?.state ?? "unknown");
}

export function look(state) {
  return STATES[state] ?? PRESENCES[state] ?? STATES.unknown;
}

export function count(value) {
  return value == null ? NOTHING : value.toLocaleString("en").replaceAll(",", "\u202f");
}

export function decimal(value, digits = 2) {
  return value == null ? NOTHING : value.toFixed(digits);
}

// A cue's value in its own unit: three significant digits, no exponent.
export function measure(value) {
  if (value == null) return NOTHING;
  const size = Math.abs(value);
  return size >= 100 ? value.toFixed(0) : size >= 10 ? value.toFixed(1) : value.toFixed(size >= 1 ? 2 : 3);
}

export function milliseconds(value) {
  if (value == null) return NOTHING;
  return value >= 1000 ? `${(value / 1000).toFixed(2)} s` : `${value.toFixed(value < 10 ? 1 : 0)} ms`;
}

export function duration(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const [days, hours, minutes] = [Math.floor(whole / 86400), Math.floor(whole / 3600) % 24, Math.floor(whole / 60) % 60];
  if (days) return `${days} d ${hours} h`;
  if (hours) return `${hours} h ${minutes} min`;
  if (minutes) return `${minutes} min ${whole % 60} s`;
  return `${whole} s`;
}

export function clock(epochSeconds) {
  return new Date(epochSeconds * 1000).toLocaleTimeString([], { hour12: false });
}

// element("p", { class: "quiet" }, "text", child)
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

export function svg(tag, attributes = {}, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

// What decided a verdict: the cue, its value and its threshold.
export function cueText(verdict) {
  return verdict?.cue ? `${verdict.cue} ${measure(verdict.value)}, threshold ${measure(verdict.threshold)}` : "";
}

export function badge(state) {
  const { sign, word } = look(state);
  return element("span", { class: "badge", "data-state": state }, element("b", { "aria-hidden": "true" }, sign), word);
}
