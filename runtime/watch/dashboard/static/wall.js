// All cameras at once: a tile each, with a small picture while it is in view.

import { $, duration, element, isDown, lastPicture, moment, presence, reasonText, setBadge, setText, shownState } from "./format.js";
import { parts, put, repeat } from "./stream.js";

const EVERY_MS = 500;

export class Wall {
  constructor() {
    this.shown = true;
    this.tiles = new Map();
    this.inView = new Set();
    this.observer = new IntersectionObserver((changes) => {
      for (const { target, isIntersecting } of changes) this.inView[isIntersecting ? "add" : "delete"](target.dataset.camera);
    });
    $("wall").addEventListener("keydown", (event) => this.move(event));
    repeat(EVERY_MS, () => this.refresh());
  }

  // Tiles are kept and changed in place: one that is replaced under the pointer takes no click.
  show(rows, now) {
    const names = rows.map((row) => row.camera);
    for (const [name, tile] of this.tiles) {
      if (names.includes(name)) continue;
      this.observer.unobserve(tile.link);
      this.inView.delete(name);
      tile.item.remove();
      this.tiles.delete(name);
    }
    for (const row of rows) {
      if (!this.tiles.has(row.camera)) this.add(row.camera);
      this.update(this.tiles.get(row.camera), row, now);
    }
    $("wall").dataset.size = rows.length <= 1 ? "one" : rows.length <= 9 ? "few" : "many";
  }

  add(name) {
    const tile = {
      picture: element("img", { alt: "", hidden: "" }),
      over: element("span", { class: "over" }),
      state: element("span"),
      reason: element("span", { class: "tile-reason" }),
      since: element("span", { class: "tile-since quiet numbers" }),
      index: null,
    };
    const thumbnail = element("span", { class: "thumbnail" }, tile.picture, tile.over);
    const title = element("span", { class: "tile-name" }, name);
    const text = element("span", { class: "tile-text" }, title, tile.state, tile.reason, tile.since);
    tile.link = element("a", { class: "tile", href: `#${encodeURIComponent(name)}`, "data-camera": name }, thumbnail, text);
    tile.item = element("li", {}, tile.link);
    this.tiles.set(name, tile);
    $("wall").append(tile.item);
    this.observer.observe(tile.link);
  }

  update(tile, row, now) {
    const state = shownState(row);
    setBadge(tile.state, state);
    tile.link.classList.toggle("bad", isDown(row));
    setText(tile.reason, reasonText(row));
    const since = state === "lost" || state === "ended" ? (row.last_frame_at ?? row.verdict_at) : row.verdict_at;
    setText(tile.since, since == null ? "" : `since ${moment(since, now)} (${duration(now - since, true)})`);
    const live = presence(row) === "live";
    tile.link.classList.toggle("stale", !live);
    setText(tile.over, !live ? lastPicture(row, now) : tile.picture.hidden ? "No picture yet" : "");
  }

  focus(name) {
    this.tiles.get(name)?.link.focus();
  }

  // The arrows move from tile to tile, as they lie.
  move(event) {
    const links = [...this.tiles.values()].map((tile) => tile.link);
    const place = links.indexOf(document.activeElement);
    if (place < 0) return;
    const columns = links.filter((link) => link.offsetTop === links[0].offsetTop).length;
    const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns };
    const next = links[place + (steps[event.key] ?? NaN)];
    if (!next) return;
    event.preventDefault();
    next.focus();
  }

  // One request for all tiles in view, and of each only what is new.
  async refresh() {
    if (!this.shown || !this.inView.size) return;
    const asked = new URLSearchParams();
    for (const name of this.inView) {
      asked.append("camera", name);
      asked.append("index", this.tiles.get(name)?.index ?? "");
    }
    const answer = await fetch(`/api/thumbnails?${asked}`);
    if (!answer.ok) return;
    const [heads, bytes] = await parts(answer);
    let start = 0;
    for (const head of heads) {
      const tile = this.tiles.get(head.camera);
      const picture = bytes.slice(start, (start += head.bytes));
      if (!tile) continue;
      tile.index = head.index;
      put(tile.picture, picture);
    }
  }
}
