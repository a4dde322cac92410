// Numbers, times and elements as the page shows them.

export const NOTHING = "–";
const LOOKS = {
  pass: { sign: "✓", word: "good" },
  reject: { sign: "✕", word: "rejected" },
  unknown: { sign: "?", word: "unknown" },
  // Of a camera, where it is not the gate's state that counts.
  overdue: { sign: "!", word: "rejected too long" },
  starting: { sign: "○", word: "starting" },
  lost: { sign: "✕", word: "lost" },
  returned: { sign: "✓", word: "returned" },
  ended: { sign: "■", word: "ended" },
  failed: { sign: "!", word: "failed" },
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
  if (now === "lost" || now === "ended") return now;
  const verdict = status?.verdict;
  return verdict?.overdue && verdict.state === "pass" ? "overdue" : (verdict?.state ?? "unknown");
}

// Whether somebody should look: it gives no pictures, or none that are good enough.
export function isDown(status) {
  return ["lost", "reject", "overdue"].includes(shownState(status));
}

// What a verdict's reason means.
export function meaning({ faults, conditions }, reason) {
  return faults.find((fault) => fault.name === reason)?.says ?? conditions[reason] ?? "";
}

// Why it is as it is, unless its state says that already.
export function reasonText(status) {
  const state = shownState(status);
  const reason = status?.verdict?.reason ?? "starting";
  if (state === "lost" && reason === "starting") return "no frame yet";
  return reason === look(state).word ? "" : reason;
}

export function look(state) {
  return LOOKS[state] ?? LOOKS.unknown;
}

export function count(value) {
  return value == null ? NOTHING : value.toLocaleString("en").replaceAll(",", "\u202f");
}

export function decimal(value, digits = 2) {
  return value == null ? NOTHING : value.toFixed(digits);
}

// A cue's value in its own unit: three significant digits, no exponent; of what is all but certain one more.
export function measure(value) {
  if (value == null) return NOTHING;
  const size = Math.abs(value);
  if (size > 0.99 && size < 1) return value.toFixed(4);
  return size >= 100 ? value.toFixed(0) : size >= 10 ? value.toFixed(1) : value.toFixed(size >= 1 ? 2 : 3);
}

export function milliseconds(value) {
  if (value == null) return NOTHING;
  return value >= 1000 ? `${(value / 1000).toFixed(2)} s` : `${value.toFixed(value < 10 ? 1 : 0)} ms`;
}

// `rough`: no seconds beside minutes.
export function duration(seconds, rough = false) {
  const whole = Math.max(0, Math.floor(seconds));
  const [days, hours, minutes] = [Math.floor(whole / 86400), Math.floor(whole / 3600) % 24, Math.floor(whole / 60) % 60];
  if (days) return `${days} d ${hours} h`;
  if (hours) return `${hours} h ${minutes} min`;
  if (minutes) return rough ? `${minutes} min` : `${minutes} min ${whole % 60} s`;
  return `${whole} s`;
}

export function clock(epochSeconds) {
  return new Date(epochSeconds * 1000).toLocaleTimeString([], { hour12: false });
}

// Of a camera that gives no pictures now.
export function lastPicture(row, now) {
  return row?.last_frame_at == null ? "No picture yet" : `No picture since ${moment(row.last_frame_at, now)}`;
}

// A time of day, with its date where that is not today's.
export function moment(epochSeconds, now) {
  const day = (seconds) => new Date(seconds * 1000).toLocaleDateString();
  return day(epochSeconds) === day(now) ? clock(epochSeconds) : `${day(epochSeconds)} ${clock(epochSeconds)}`;
}

export function $(id) {
  return document.getElementById(id);
}

// Text that is the same is not set again, so it is not read out again, and what somebody has marked stays so.
export function setText(holder, text) {
  if (holder.textContent !== text) holder.textContent = text;
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

// A check's name; of the fault head's: what the network thinks that it sees.
export function shownCheck(name) {
  return name.startsWith("faults.") ? `looks ${name.slice(7)}` : name;
}

// What decided a verdict: the cue, its value and its threshold.
export function cueText(verdict) {
  if (!verdict?.cue) return "";
  const { cue, value, threshold } = verdict;
  const name = shownCheck(cue);
  if (value == null || threshold == null) return value == null ? name : `${name} ${measure(value)}`;
  return `${name} ${measure(value)}, ${value < threshold ? "below" : "above"} the threshold ${measure(threshold)}`;
}

// A state's badge in its place, unless it is there.
export function setBadge(holder, state) {
  if (holder.dataset.state === state) return;
  holder.dataset.state = state;
  holder.replaceChildren(badge(state));
}

// A state by shape, sign and word.
export function badge(state) {
  const { sign, word } = look(state);
  const shape = element("span", { class: "shape", "data-state": state, "aria-hidden": "true" }, sign);
  return element("span", { class: "badge", "data-state": state }, shape, element("span", {}, word));
}
