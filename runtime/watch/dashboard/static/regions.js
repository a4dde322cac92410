// Which parts of the picture count, drawn over the live picture: areas to look at and areas to leave out.

import { $, element, setText, svg } from "./format.js";
import { send } from "./stream.js";

const STEP = 0.01; // of the picture, that an arrow key moves the cross
const LEAP = 0.05;
const NEAR_PX = 16; // a finger's reach
const MOST_UNDONE = 100;
const NAMES = { include: "look at", exclude: "leave out" };

const clamp = (share) => Math.min(1, Math.max(0, Math.round(share * 1e4) / 1e4));
const copy = (areas) => areas.map(({ kind, corners }) => ({ kind, corners: corners.map((corner) => [...corner]) }));
const areasOf = (said) => Object.keys(NAMES).flatMap((kind) => said[kind].map((corners) => ({ kind, corners })));
const listOf = (areas, kind) => areas.filter((area) => area.kind === kind).map((area) => area.corners);

// Of the camera whose detail is open.
export class Regions {
  constructor() {
    this.camera = null;
    this.isKept = false;
    this.saved = []; // as they are in force
    this.areas = [];
    this.draft = null; // the area that is being drawn: kind, corners
    this.undone = []; // what was there before each step
    this.cross = [0.5, 0.5]; // moved by arrow keys
    this.held = null; // area and corner that a pointer or the cross carries
    this.editing = false;
    this.drawing = $("regions-drawing");
    const clicks = {
      "region-include": () => this.begin("include"),
      "region-exclude": () => this.begin("exclude"),
      "region-close": () => this.close(),
      "region-undo": () => this.undo(),
      "region-discard": () => this.discard(),
      "region-save": () => this.save(),
      "regions-edit": () => this.edit(),
    };
    for (const [id, onClick] of Object.entries(clicks)) $(id).addEventListener("click", onClick);
    $("regions-tools").addEventListener("keydown", (event) => event.key === "Escape" && event.stopPropagation());
    this.drawing.addEventListener("pointerdown", (event) => this.press(event));
    this.drawing.addEventListener("pointermove", (event) => this.drag(event));
    for (const end of ["pointerup", "pointercancel"]) this.drawing.addEventListener(end, (event) => event.isPrimary && this.drop());
    this.drawing.addEventListener("keydown", (event) => this.key(event));
  }

  async open(camera) {
    this.stop();
    this.camera = camera;
    this.saved = this.areas = [];
    $("regions").hidden = true;
    this.draw();
    if (camera === null) return;
    const answer = await fetch(`/api/regions?camera=${encodeURIComponent(camera)}`).catch(() => null);
    if (answer?.status !== 200 || camera !== this.camera) return;
    this.take(await answer.json());
    $("regions").hidden = false;
  }

  take(said) {
    this.isKept = said.kept;
    this.saved = areasOf(said);
    this.areas = copy(this.saved);
    this.draw();
  }

  edit() {
    this.editing = true;
    this.undone = [];
    $("picture").scrollIntoView({ block: "start" });
    this.say("Choose what to draw.");
    this.draw();
    $("region-include").focus({ preventScroll: true });
  }

  stop() {
    this.editing = false;
    this.draft = this.held = null;
    this.undone = [];
    this.say("");
  }

  discard() {
    this.stop();
    this.areas = copy(this.saved);
    this.draw();
    $("regions-edit").focus();
  }

  async save() {
    if (this.draft && !this.close()) return;
    const { camera } = this;
    try {
      const said = await send(`/api/regions?camera=${encodeURIComponent(camera)}`, { include: listOf(this.areas, "include"), exclude: listOf(this.areas, "exclude") }, "PUT");
      if (camera !== this.camera) return;
      this.stop();
      this.take(said);
      this.say("Saved; it holds from the next frame on.");
      $("regions-edit").focus();
    } catch (problem) {
      this.say(problem.message);
    }
  }

  begin(kind) {
    this.draft = { kind, corners: [] };
    this.say(`Area to ${NAMES[kind]}: set its corners, then close it. By keyboard: arrows, space, Enter.`);
    this.draw();
    this.drawing.focus({ preventScroll: true });
  }

  close() {
    if (!this.draft) return false;
    if (this.draft.corners.length < 3) {
      this.say("An area has at least three corners.");
      return false;
    }
    this.remember();
    this.areas.push(this.draft);
    this.draft = null;
    this.say("Closed. Draw another, move a corner, or save.");
    this.draw();
    return true;
  }

  remove(area) {
    this.remember();
    this.areas = this.areas.filter((it) => it !== area);
    this.draw();
  }

  remember() {
    this.undone.push(copy(this.areas));
    if (this.undone.length > MOST_UNDONE) this.undone.shift();
  }

  undo() {
    if (this.draft) {
      if (!this.draft.corners.pop()) this.draft = null;
    } else if (this.undone.length) {
      this.areas = this.undone.pop();
    }
    this.held = null;
    this.draw();
  }

  // Shares of the picture at which a pointer is.
  at(event) {
    const box = this.drawing.getBoundingClientRect();
    return [clamp((event.clientX - box.left) / box.width), clamp((event.clientY - box.top) / box.height)];
  }

  near([x, y], corner) {
    const box = this.drawing.getBoundingClientRect();
    return Math.hypot((corner[0] - x) * box.width, (corner[1] - y) * box.height) <= NEAR_PX;
  }

  // A corner goes here, or the first one again closes the area; without a draft a corner that is near is taken up.
  place(point) {
    if (!this.draft) {
      const found = this.areas.flatMap((area) => area.corners.map((corner) => ({ corner }))).find(({ corner }) => this.near(point, corner));
      if (found) this.remember();
      this.held = found ?? null;
    } else if (this.draft.corners.length > 2 && this.near(point, this.draft.corners[0])) {
      this.close();
    } else {
      this.draft.corners.push(point);
    }
  }

  press(event) {
    if (!this.editing || !event.isPrimary || event.button) return; // neither a second finger nor another button
    event.preventDefault();
    this.drawing.focus({ preventScroll: true });
    this.cross = this.at(event);
    this.place(this.cross);
    if (this.held) this.drawing.setPointerCapture(event.pointerId);
    this.draw();
  }

  drag(event) {
    if (this.held && event.isPrimary && event.buttons) this.carry(this.at(event));
  }

  carry(point) {
    this.cross = point;
    if (this.held) this.held.corner.splice(0, 2, ...point);
    this.draw();
  }

  drop() {
    this.held = null;
  }

  key(event) {
    const step = event.shiftKey ? LEAP : STEP;
    const moves = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] };
    const [dx, dy] = moves[event.key] ?? [0, 0];
    if (event.key in moves) this.carry([clamp(this.cross[0] + dx), clamp(this.cross[1] + dy)]);
    else if (event.key === " ") this.held ? this.drop() : this.place([...this.cross]);
    else if (event.key === "Enter") this.held ? this.drop() : this.close();
    else if (event.key === "Backspace" || event.key === "Delete") this.undo();
    else if (event.key === "Escape") this.draft = this.held = null;
    else return;
    event.preventDefault();
    event.stopPropagation(); // Escape would leave the camera, and what was drawn
    this.draw();
  }

  say(text) {
    setText($("regions-said"), text);
    $("regions-said").hidden = !text;
  }

  draw() {
    const { editing, draft } = this;
    const shown = draft ? [...this.areas, draft] : this.areas;
    const points = (corners) => corners.map((corner) => corner.join(",")).join(" ");
    const shapes = shown.map((area) => svg(area === draft ? "polyline" : "polygon", { points: points(area.corners), class: `${area.kind}${area === draft ? " draft" : ""}` }));
    const dots = editing ? shown.flatMap((area) => area.corners.map(([x, y]) => svg("path", { d: `M${x},${y}h0`, class: "corner" }))) : [];
    const [x, y] = this.cross;
    const cross = editing ? [svg("path", { d: `M${x - 0.02},${y}h0.04M${x},${y - 0.03}v0.06`, class: "cross" })] : [];
    $("regions-shapes").replaceChildren(...shapes, ...dots, ...cross);
    this.drawing.classList.toggle("editing", editing);
    this.drawing.toggleAttribute("hidden", !editing && !shown.length);
    this.drawing.setAttribute("role", editing ? "application" : "img");
    this.drawing.setAttribute("aria-label", editing ? "Draw areas: arrows move the cross, space sets a corner, Enter closes the area" : `${shown.length} areas`);
    editing ? this.drawing.setAttribute("tabindex", "0") : this.drawing.removeAttribute("tabindex");
    $("regions-tools").hidden = !editing;
    $("regions-edit").hidden = editing;
    $("region-close").disabled = !draft;
    $("region-undo").disabled = !draft && !this.undone.length;
    $("region-save").disabled = !this.isKept;
    $("regions-text").hidden = this.isKept || (!editing && !this.areas.length);
    setText($("regions-toml"), toml(this.areas));
    $("regions-list").replaceChildren(...this.areas.map((area) => this.row(area)));
    if (!this.areas.length) $("regions-list").append(element("li", { class: "quiet" }, "The whole picture counts."));
  }

  row(area) {
    const text = `${NAMES[area.kind]}, ${area.corners.length} corners`;
    const away = element("button", { type: "button", class: "button", "aria-label": `Remove: ${text}` }, "Remove");
    away.addEventListener("click", () => this.remove(area));
    return element("li", {}, `${area.kind === "include" ? "▣" : "▨"} ${text} `, ...(this.editing ? [away] : []));
  }
}

function toml(areas) {
  const line = (kind) => `${kind} = ${JSON.stringify(listOf(areas, kind))}`;
  return Object.keys(NAMES).filter((kind) => listOf(areas, kind).length).map(line).join("\n");
}
