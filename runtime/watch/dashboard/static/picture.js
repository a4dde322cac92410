// The live picture: fetched only while somebody looks, the next one only when the last is there.

const SHORTEST_MS = 120;
const IDLE_MS = 400;
const $ = (id) => document.getElementById(id);

export class Picture {
  constructor() {
    this.camera = null;
    this.shown = null;
    $("opacity").addEventListener("input", () => this.blend());
    $("show-depth").addEventListener("change", () => this.blend());
    this.blend();
    this.run();
  }

  show(camera) {
    if (camera === this.camera) return;
    this.camera = camera;
    this.shown = null;
    for (const id of ["frame", "depth"]) $(id).hidden = true;
    $("no-picture").hidden = false;
  }

  blend() {
    $("depth").style.opacity = $("show-depth").checked ? $("opacity").value / 100 : 0;
    $("opacity").disabled = !$("show-depth").checked;
  }

  async run() {
    for (;;) {
      const started = performance.now();
      const changed = this.camera && !document.hidden && !$("pause").checked ? await this.refresh() : false;
      const spent = performance.now() - started;
      await new Promise((done) => setTimeout(done, changed ? Math.max(SHORTEST_MS - spent, SHORTEST_MS / 2) : IDLE_MS));
    }
  }

  async refresh() {
    const camera = this.camera;
    try {
      const answer = await fetch(`/api/view?camera=${encodeURIComponent(camera)}`);
      if (!answer.ok) return false;
      const index = Number(answer.headers.get("X-Frame-Index"));
      const border = Number(answer.headers.get("X-Frame-Bytes"));
      if (index === this.shown) return false;
      const both = await answer.blob();
      if (camera !== this.camera) return true;
      await Promise.all([put($("frame"), both.slice(0, border)), put($("depth"), both.slice(border))]);
      $("depth-size").textContent = answer.headers.get("X-Depth-Size") ?? "";
      $("no-picture").hidden = true;
      this.shown = index;
      return true;
    } catch {
      return false; // the stream says that the connection is lost
    }
  }
}

async function put(image, blob) {
  image.hidden = blob.size === 0;
  if (image.hidden) return;
  const url = URL.createObjectURL(new Blob([blob], { type: "image/jpeg" }));
  const next = new Image();
  next.src = url;
  await next.decode().catch(() => {});
  const old = image.src;
  image.src = url;
  if (old.startsWith("blob:")) URL.revokeObjectURL(old);
}
