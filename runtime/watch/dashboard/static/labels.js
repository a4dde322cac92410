// One frame, large, with why it was judged so; and what it really was, where somebody knows better.

import { $, clock, count, cueText, decimal, element, meaning, setText } from "./format.js";
import { send } from "./stream.js";

const UNDO_MS = 15000;

export class Labels {
  constructor(world) {
    this.world = world;
    this.asked = null; // camera, and index or number, of the frame that is open
    this.file = null;
    $("large-wrong").addEventListener("click", () => this.ask());
    $("truth").addEventListener("submit", (event) => this.keep(event));
    $("undo").addEventListener("click", () => this.undo());
  }

  // `which`: `index` of a frame that the program holds, or `number` of one in the gallery.
  open(source, record, which) {
    this.asked = { camera: record.camera, ...which };
    const { verdict } = record;
    $("large-picture").src = source;
    setText($("large-title"), `${record.camera}, ${clock(record.captured_at)}: ${verdict.reason}`);
    setText($("large-says"), meaning(this.world.hello, verdict.reason));
    const facts = [cueText(verdict), `score ${decimal(verdict.score, 3)}`, `frame ${count(record.index)}`];
    setText($("large-text"), facts.filter(Boolean).join(" · "));
    setText($("truth-problem"), "");
    for (const id of ["truth", "truth-missing"]) $(id).hidden = true;
    $("large-wrong").hidden = false;
    $("large").showModal();
    if (which.index !== undefined) this.ask();
  }

  ask() {
    const { conditions, faults, labels, truths } = this.world.hello;
    $("large-wrong").hidden = true;
    $("truth-missing").hidden = labels;
    $("truth").hidden = !labels;
    const choices = [{ slug: "good", name: "good", says: conditions.good }, ...faults.filter(({ slug }) => truths.includes(slug))];
    $("truths").replaceChildren(
      ...choices.map(({ slug, name, says }) =>
        element("label", { title: says }, element("input", { type: "radio", name: "truth", value: slug, required: "" }), ` ${name}`),
      ),
    );
    if (labels) $("truths").querySelector("input").focus();
  }

  async keep(event) {
    event.preventDefault();
    const truth = new FormData($("truth")).get("truth");
    try {
      const kept = await send("/api/labels", { ...this.asked, truth });
      $("large").close();
      const size = kept.reduced ? `, at the gallery's size of ${kept.size.join(" × ")}` : "";
      this.toast(`Kept as ${kept.file}${size}.`, kept.file);
    } catch (problem) {
      setText($("truth-problem"), problem.message);
    }
  }

  async undo() {
    try {
      await send("/api/labels/undo", { file: this.file });
      this.toast("Taken back.", null);
    } catch (problem) {
      this.toast(problem.message, null);
    }
  }

  toast(text, file) {
    clearTimeout(this.timer);
    this.file = file;
    $("undo").hidden = file === null;
    setText($("toast-text"), text);
    this.timer = setTimeout(() => {
      $("undo").hidden = true;
      setText($("toast-text"), "");
    }, UNDO_MS);
  }
}
