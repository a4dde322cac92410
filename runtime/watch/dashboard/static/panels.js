// The parts of the page that show one camera's status, and the sinks of all.

import { badge, count, cueText, decimal, duration, element, look, milliseconds, NOTHING, presence, shownState, STATES, svg } from "./format.js";

const $ = (id) => document.getElementById(id);

const cards = new Map();

// Cards are kept and changed in place: one that is replaced under the pointer takes no click.
export function showCameras(store, selected, onSelect) {
  const names = store.names();
  const holder = $("cameras");
  holder.hidden = names.length < 2;
  for (const name of cards.keys()) if (!names.includes(name)) cards.delete(name);
  for (const name of names) {
    if (!cards.has(name)) cards.set(name, newCard(name, onSelect));
    const { card, state, reason, score, pill } = cards.get(name);
    const status = store.statusOf(name);
    const now = shownState(status);
    setPill(pill, presence(status), status?.state);
    card.setAttribute("aria-pressed", String(name === selected));
    if (state.dataset.state !== now) state.replaceChildren(badge((state.dataset.state = now)));
    reason.textContent = cardText(status);
    score.textContent = decimal(status?.verdict?.smoothed ?? status?.verdict?.score);
  }
  const wanted = names.map((name) => cards.get(name).card);
  if (wanted.length !== holder.children.length || wanted.some((card, place) => card !== holder.children[place])) {
    holder.replaceChildren(...wanted);
  }
}

function newCard(name, onSelect) {
  const parts = {
    pill: element("span", { class: "pill" }),
    state: element("span"),
    score: element("span", { class: "camera-score numbers" }),
    reason: element("span", { class: "camera-reason quiet" }),
  };
  const title = element("span", { class: "camera-name" }, name);
  const card = element("button", { type: "button", class: "camera", "data-camera": name }, title, ...Object.values(parts));
  card.addEventListener("click", () => onSelect(name));
  return { card, ...parts };
}

function cardText(status) {
  if (!status) return NOTHING;
  return status.verdict?.reason ?? "starting";
}

// The connection's own word where it says more: retrying, stalled, failed, stopped.
function setPill(pill, now, word) {
  const text = now === "lost" && word && word !== "live" ? word : now === "ended" && word ? word : now;
  if (pill.dataset.state !== now) pill.dataset.state = now;
  if (pill.textContent !== text) pill.textContent = text;
}

// The pill above everything: what the worst camera is.
export function worst(cameras) {
  const all = cameras.map(presence);
  const lost = all.filter((now) => now === "lost").length;
  if (lost) return ["lost", all.length === 1 ? "lost" : `${lost} of ${all.length} lost`];
  if (all.length && all.every((now) => now === "ended")) return ["ended", "ended"];
  if (all.includes("connecting")) return ["connecting", "connecting"];
  return ["live", "live"];
}

export function showVerdict(name, status, now) {
  const verdict = status?.verdict;
  const state = shownState(status);
  const { sign, word } = look(state);
  setText("camera-name", name);
  setPill($("camera-pill"), presence(status), status?.state);
  $("verdict").dataset.state = state;
  $("verdict-state").dataset.state = state;
  setText("verdict-state", `${sign} ${word}`);
  const reason = verdict?.reason ?? "starting";
  setText("verdict-reason", reason === word ? "" : state === "lost" && reason === "starting" ? "no frame yet" : reason);
  setText("verdict-cue", verdictText(verdict, status?.verdict_at == null ? null : now - status.verdict_at));
  setText("score", decimal(verdict?.smoothed ?? verdict?.score, 3));
  drawMeter(verdict, status?.thresholds ?? {});
}

function verdictText(verdict, seconds) {
  const parts = [cueText(verdict)];
  if (seconds != null) parts.push(`for ${duration(seconds)}`);
  if (verdict?.overdue) parts.push("longer than the watchdog allows");
  return parts.filter(Boolean).join(" · ");
}

function drawMeter(verdict, thresholds) {
  const x = (value) => 10 + 280 * Math.min(1, Math.max(0, value));
  const parts = [svg("rect", { x: 10, y: 18, width: 280, height: 8, rx: 4, class: "meter-track" })];
  const smoothed = verdict?.smoothed ?? verdict?.score;
  if (smoothed != null) {
    parts.push(svg("rect", { x: 10, y: 18, width: x(smoothed) - 10, height: 8, rx: 4, class: "meter-fill" }));
  }
  if (verdict?.score != null) parts.push(svg("circle", { cx: x(verdict.score), cy: 22, r: 6, class: "meter-point" }));
  for (const [kind, above] of [["reject", false], ["accept", true]]) {
    const value = thresholds[`score.${kind}`] ?? thresholds[kind];
    if (value == null) continue;
    parts.push(svg("line", { x1: x(value), x2: x(value), y1: 12, y2: 32, class: `meter-${kind}` }));
    const anchor = value > 0.8 ? "end" : value < 0.2 ? "start" : "middle";
    const text = `${kind === "reject" ? "reject below" : "accept from"} ${value.toFixed(2)}`;
    parts.push(svg("text", { x: x(value), y: above ? 9 : 43, "text-anchor": anchor }, text));
  }
  $("meter").replaceChildren(...parts);
}

export function showCounters(status) {
  const box = (name, value) => element("span", { class: `counter ${name}` }, element("b", { id: `count-${name}` }, count(value)), name);
  const sign = (text) => element("span", { class: "sign" }, text);
  $("counters").replaceChildren(
    ...[box("captured", status?.captured), sign("="), box("scored", status?.scored), sign("+")],
    ...[box("skipped", status?.skipped), sign("+"), box("failed", status?.failed)],
  );
  const rate = (value) => (value == null ? NOTHING : `${value.toFixed(1)} fps`);
  const verdicts = status?.verdicts ?? {};
  const facts = [
    ["capture rate", rate(status?.capture_fps)],
    ["scoring rate", rate(status?.scored_fps)],
    ["in flight", count(status?.in_flight)],
    ["verdicts", Object.entries(STATES).map(([state, { sign }]) => `${sign} ${count(verdicts[state] ?? 0)}`).join(" · ")],
    ["reconnects", count(status?.reconnects)],
    ["stalls", count(status?.stalls)],
    ["source", status ? status.state : NOTHING],
    ["depth refreshed", status ? (status.depth_every === 1 ? "every frame" : `every ${status.depth_every} frames`) : NOTHING],
  ];
  $("facts").replaceChildren(...facts.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]));
}

export function showLatency(status) {
  const stages = { total: status?.latency, ...status?.stages };
  const longest = Math.max(1, ...Object.values(stages).map((stage) => stage?.p99_ms ?? 0));
  const head = ["", "p50", "p90", "p99"].map((text) => element("span", { class: "quiet" }, text));
  const rows = Object.entries(stages).flatMap(([name, stage]) => [
    element("span", { class: "stage" }, name),
    ...["p50_ms", "p90_ms", "p99_ms"].map((key) => element("span", {}, milliseconds(stage?.[key]))),
    bars(stage, longest),
  ]);
  $("latency").replaceChildren(...head, ...rows);
}

function bars(stage, longest) {
  const width = (value) => (100 * (value ?? 0)) / longest;
  return svg(
    "svg",
    { class: "latency-bar", viewBox: "0 0 100 4", preserveAspectRatio: "none", "aria-hidden": "true" },
    svg("rect", { width: width(stage?.p99_ms), height: 4, class: "p99" }),
    svg("rect", { width: width(stage?.p90_ms), height: 4, class: "p90" }),
    svg("rect", { width: width(stage?.p50_ms), height: 4, class: "p50" }),
  );
}

export function showSource(status, shownIndex, now) {
  const problem = $("source-problem");
  const live = !status || presence(status) === "live";
  problem.hidden = live;
  if (!live) {
    const word = status.state === "live" ? (status.verdict?.reason ?? "lost") : status.state;
    setText("source-problem", status.problem ? `${word}: ${status.problem}` : word);
  }
  $("picture").classList.toggle("stale", !live);
  const size = status?.frame_size ? `${status.frame_size[0]} × ${status.frame_size[1]}` : "";
  const age = status?.last_frame_at ? Math.max(0, now - status.last_frame_at) : null;
  const parts = [shownIndex == null ? "" : `frame ${count(shownIndex)}`, size, age > 2 ? `${duration(age)} old` : ""];
  setText("picture-facts", parts.filter(Boolean).join(" · "));
}

let sinksShown = "";

export function showSinks(sinks) {
  const text = JSON.stringify(sinks);
  if (text === sinksShown) return; // an error that somebody is copying stays selected
  sinksShown = text;
  const kinds = ["offered", "delivered", "ignored", "missed", "failed"];
  const head = element("tr", {}, ...["sink", ...kinds, "last error"].map((name) => element("th", { scope: "col" }, name)));
  const rows = Object.entries(sinks ?? {}).map(([name, stats]) => {
    const cells = kinds.map((kind) => {
      const bad = (kind === "missed" || kind === "failed") && stats[kind] > 0;
      return element("td", { "data-of": kind, ...(bad && { class: "bad" }) }, `${bad ? "! " : ""}${count(stats[kind])}`);
    });
    return element("tr", {}, element("th", { scope: "row" }, name), ...cells, element("td", { class: "error" }, stats.last_error ?? ""));
  });
  const table = element("table", { class: "sinks numbers" }, element("thead", {}, head), element("tbody", {}, ...rows));
  $("sinks").replaceChildren(rows.length ? table : element("p", { class: "quiet" }, "No sinks are configured."));
}

function setText(id, text) {
  const found = $(id);
  if (found.textContent !== text) found.textContent = text; // unchanged text is not announced again
}
