// One camera: what it is told and remembered of it once a second, its verdict in words, and the panels below.

import { Chart } from "./chart.js";
import { $, cueText, decimal, duration, meaning, moment, presence, reasonText, setBadge, setText, shownState } from "./format.js";
import { Gallery, showLog } from "./gallery.js";
import { Labels } from "./labels.js";
import { setPill, showCounters, showLatency } from "./panels.js";
import { Picture } from "./picture.js";
import { repeat } from "./stream.js";
import { Strip } from "./strip.js";

const EVERY_MS = 1000;
const MOST_POINTS = 24 * 3600;
const MOST_ENTRIES = 60;

export class Detail {
  constructor(world) {
    this.world = world;
    this.camera = null;
    this.chart = new Chart($("chart"));
    this.strip = new Strip(world);
    this.labels = new Labels(world);
    this.picture = new Picture((record) => this.strip.show(record, this.status?.thresholds ?? {}));
    this.gallery = new Gallery((source, reject) => this.labels.open(source, reject, { number: reject.number }));
    $("wrong").addEventListener("click", () => this.wrong());
    for (const button of $("spans").children) button.addEventListener("click", () => this.span(button));
    this.restart();
    repeat(EVERY_MS, () => this.ask());
  }

  // Another camera, or another start of the program: nothing that was known holds.
  restart() {
    this.status = null;
    this.points = [];
    this.rejects = [];
    this.log = [];
    this.logged = null;
    this.gallery.clear();
  }

  open(camera) {
    this.camera = camera;
    this.restart();
    this.strip.show(null, {});
    this.picture.show(camera);
    setText($("camera-name"), camera ?? "");
  }

  async ask() {
    if (!this.row()) return;
    const { camera, points } = this;
    const since = { points: Math.floor(this.points.at(-1)?.[0] ?? 0), rejects: this.rejects.at(-1)?.number ?? 0, log: this.log.at(-1)?.number ?? 0 };
    const answer = await fetch(`/api/camera?${new URLSearchParams({ camera, ...since })}`);
    if (!answer.ok) return;
    const fresh = await answer.json();
    if (points !== this.points) return; // they were restarted, or another answer was first
    this.status = fresh.status;
    const [first] = fresh.points; // the newest one that was known has grown, or the clock went back
    const known = first ? this.points.filter((point) => point[0] < first[0]) : this.points;
    this.points = [...known, ...fresh.points].slice(-MOST_POINTS);
    this.rejects = [...this.rejects, ...fresh.rejects].slice(-this.world.hello.gallery);
    this.log = [...this.log, ...fresh.log].slice(-MOST_ENTRIES);
    this.showAll();
  }

  // What the stream says of the camera; null: it knows none of that name.
  row() {
    return this.world.news?.cameras.find((it) => it.camera === this.camera) ?? null;
  }

  // What the stream brought.
  show() {
    if (this.camera === null) return;
    if (!this.status) this.ask().catch(() => {}); // at once, not only in a second
    const { news } = this.world;
    const row = this.row();
    this.showVerdict(row, news.now);
    this.picture.tell(row, news.now);
    setPill($("camera-pill"), presence(row), row?.state);
  }

  // What was asked for.
  showAll() {
    this.gallery.show(this.camera, this.rejects);
    this.chart.draw(this.points, this.world.news?.now ?? null);
    const newest = this.log.at(-1)?.number ?? 0;
    if (newest !== this.logged) showLog(this.log);
    this.logged = newest;
    if (!$("figures").open) return;
    showCounters(this.status);
    showLatency(this.status);
  }

  showVerdict(row, now) {
    const verdict = row?.verdict;
    const state = shownState(row);
    setBadge($("verdict-state"), state);
    $("verdict").dataset.state = state === "overdue" ? "reject" : state;
    setText($("verdict-reason"), row ? reasonText(row) : "no such camera");
    setText($("verdict-says"), this.says(row));
    setText($("verdict-cue"), cueText(verdict));
    const next = verdict?.runner_up;
    setText($("verdict-next"), next ? `Next: ${next.reason}: ${cueText(next)}` : "");
    const since = row?.verdict_at;
    const profile = verdict?.profile ? `profile ${verdict.profile}` : "";
    const time = since == null ? "" : `since ${moment(since, now)}, for ${duration(now - since)}`;
    setText($("verdict-since"), [time, profile].filter(Boolean).join(" · "));
    setText($("score"), decimal(verdict?.smoothed ?? verdict?.score, 3));
  }

  says(row) {
    const reason = row?.verdict?.reason ?? "starting";
    if (presence(row) === "lost" && reason === "starting") return "It has given no picture yet.";
    return meaning(this.world.hello, reason);
  }

  span(pressed) {
    for (const button of $("spans").children) button.setAttribute("aria-pressed", String(button === pressed));
    this.chart.minutes = Number(pressed.dataset.minutes);
    this.showAll();
  }

  // The frame that is labelled is kept by the program: the one that stands still, else the newest, which is asked for.
  async wrong() {
    const { camera } = this;
    if (!$("pause").checked) await this.picture.refresh(true).catch(() => {});
    const { record } = this.picture;
    if (record && camera === this.camera) this.labels.open($("frame").src, record, { index: record.index });
  }
}
