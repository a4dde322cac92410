// The live picture, and where in it the fault is: fetched only while somebody looks, the next one only when the last is there.

import { $, count, duration, lastPicture, presence, setText, svg } from "./format.js";
import { parts, put, repeat } from "./stream.js";

const EVERY_MS = 120;
const IDLE_MS = 400;
const LEAST_SHOWN = 0.2;
const CERTAIN = 0.5;
const OPAQUE = 0.3; // the picture is to be seen through it

export class Picture {
  // `onRecord` is given the record of each frame that is shown.
  constructor(onRecord) {
    this.onRecord = onRecord;
    this.camera = null;
    this.record = null;
    this.awaited = false; // whether there is any picture of this camera
    $("opacity").addEventListener("input", () => this.blend());
    $("show-depth").addEventListener("change", () => {
      this.blend();
      this.hold();
    });
    $("pause").addEventListener("change", () => this.hold());
    $("show-where").addEventListener("change", () => this.mark());
    this.last = Promise.resolve();
    this.blend();
    repeat(EVERY_MS, async () => this.isLookedAt() && this.refresh(), IDLE_MS);
  }

  show(camera) {
    this.camera = camera;
    this.record = null;
    this.awaited = false;
    for (const id of ["frame", "depth"]) $(id).hidden = true;
    $("no-picture").hidden = false;
    $("pause").checked = false;
    setText($("picture-facts"), "");
    this.mark();
  }

  blend() {
    const shown = $("show-depth").checked;
    $("depth").style.opacity = shown ? $("opacity").value / 100 : 0;
    $("opacity-label").hidden = !shown;
  }

  isLookedAt() {
    return this.awaited && !$("pause").checked && !document.querySelector("dialog[open]");
  }

  // The program keeps the frame that stands still, so that it can be labelled.
  hold() {
    if (this.awaited) this.refresh(true).catch(() => {});
  }

  // Show the newest frame; gives its record, or null where there is none or it is shown already. One after the other.
  refresh(hold = false) {
    this.last = this.last.catch(() => {}).then(() => this.fetch(hold));
    return this.last;
  }

  async fetch(hold) {
    const { camera } = this;
    const asked = new URLSearchParams({ camera, depth: $("show-depth").checked ? "1" : "0", hold: hold ? "1" : "0" });
    if (!hold && this.record) asked.set("known", this.record.index);
    const answer = await fetch(`/api/view?${asked}`);
    if (!answer.ok || answer.status === 204) return null;
    const [head, bytes] = await parts(answer);
    if (camera !== this.camera) return null;
    await Promise.all([put($("frame"), bytes.slice(0, head.bytes)), put($("depth"), bytes.slice(head.bytes))]);
    if (camera !== this.camera) return null;
    const [width, height] = head.record.frame_size;
    $("picture").style.setProperty("--ratio", (width / height).toFixed(4)); // so that cells over it lie where they should
    setText($("depth-size"), head.depth_size ? head.depth_size.join("x") : "");
    $("no-picture").hidden = true;
    this.record = head.record;
    this.mark();
    this.showFacts();
    this.onRecord(head.record);
    return head.record;
  }

  // The cells of the picture in which the fault is; framed where it is certain, so that colour is not the only sign.
  mark() {
    const rows = this.record?.verdict?.where ?? null;
    $("where-label").hidden = rows === null;
    const cells = [];
    let certain = 0;
    rows?.forEach((row, y) =>
      row.forEach((value, x) => {
        if (value < LEAST_SHOWN) return;
        certain += value >= CERTAIN;
        const place = { x: x / row.length, y: y / rows.length, width: 1 / row.length, height: 1 / rows.length };
        cells.push(svg("rect", { ...place, "fill-opacity": OPAQUE * value, class: value >= CERTAIN ? "certain" : "" }));
      }),
    );
    const shown = $("show-where").checked && cells.length > 0;
    $("where").replaceChildren(...(shown ? cells : []));
    if (rows) setText($("where-size"), `${certain} of ${rows.length * rows[0].length} cells`);
    $("where").setAttribute("aria-label", rows ? `${this.record.verdict.reason} in ${$("where-size").textContent} of the picture` : "");
    $("where").toggleAttribute("hidden", !shown);
  }

  // What the stream says of the camera, over the picture and below it.
  tell(row, now) {
    this.awaited = row?.last_frame_at != null;
    const live = presence(row) === "live";
    $("picture").classList.toggle("stale", !live);
    $("source-problem").hidden = live || presence(row) === "connecting";
    const since = row?.last_frame_at == null ? "" : ` (${duration(now - row.last_frame_at)})`;
    setText($("source-problem"), `${lastPicture(row, now)}${since}${row?.problem ? `: ${row.problem}` : ""}`);
    this.now = now;
    this.showFacts();
  }

  showFacts() {
    if (!this.record) return;
    const age = this.now - this.record.captured_at;
    const facts = [`frame ${count(this.record.index)}`, this.record.frame_size.join(" × "), age > 2 ? `${duration(age)} old` : ""];
    setText($("picture-facts"), facts.filter(Boolean).join(" · "));
  }
}
