// What is folded away: a camera's counters and latency, the program, its engine and its sinks.

import { $, count, duration, element, look, milliseconds, NOTHING, setText, svg } from "./format.js";


// The connection's own word where it says more: retrying, stalled, failed, stopped.
export function setPill(pill, now, word) {
  const text = (now === "lost" && word && word !== "live") || (now === "ended" && word) ? word : now;
  if (pill.dataset.state !== now) pill.dataset.state = now;
  setText(pill, text);
}

export function showProcess(hello, process) {
  const engines = (process?.engines ?? []).map((engine) => Object.entries(engine).map(([name, value]) => `${name} ${shown(value)}`).join(", "));
  const facts = [
    ["machine", hello.host],
    ["version", hello.version],
    ["bundle", process ? `${process.bundle} (${process.preset}, ${process.precision})` : NOTHING],
    ["running for", process ? duration(process.uptime_s) : NOTHING],
    ["memory", process?.memory_mib == null ? NOTHING : `${process.memory_mib.toFixed(0)} MiB`],
    ...engines.map((text) => ["engine", text]),
  ];
  showFacts("process", facts);
}

function showFacts(id, facts) {
  $(id).replaceChildren(...facts.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]));
}

function shown(value) {
  return value !== null && typeof value === "object" ? JSON.stringify(value) : String(value);
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
    ["verdicts", ["pass", "reject", "unknown"].map((state) => `${look(state).sign} ${count(verdicts[state] ?? 0)}`).join(" · ")],
    ["reconnects", count(status?.reconnects)],
    ["stalls", count(status?.stalls)],
    ["source", status ? status.state : NOTHING],
    ["depth refreshed", status ? (status.depth_every === 1 ? "every frame" : `every ${status.depth_every} frames`) : NOTHING],
  ];
  showFacts("facts", facts);
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
