// What the page knows: the last status, and per camera the points, rejected frames and log that the stream has brought.

const MOST_POINTS = 24 * 3600;
const MOST_REJECTS = 500;
const MOST_ENTRIES = 60;

export class Store {
  constructor() {
    this.reset({ columns: [] });
  }

  // A new stream brings everything again.
  reset(hello) {
    this.hello = hello;
    this.status = null;
    this.now = null; // the program's clock: this machine's may differ
    this.cameras = new Map();
  }

  take(news) {
    this.status = news.status;
    this.now = news.now;
    for (const [name, fresh] of Object.entries(news.cameras)) {
      const known = this.camera(name);
      known.index = fresh.index;
      for (const point of fresh.points) {
        const last = known.points.at(-1);
        if (last && last[0] === point[0]) known.points[known.points.length - 1] = point;
        else known.points.push(point);
      }
      known.points.splice(0, known.points.length - MOST_POINTS);
      known.rejects = [...known.rejects, ...fresh.rejects].slice(-MOST_REJECTS);
      known.log = [...known.log, ...fresh.log].slice(-MOST_ENTRIES);
    }
  }

  camera(name) {
    if (!this.cameras.has(name)) this.cameras.set(name, { index: null, points: [], rejects: [], log: [] });
    return this.cameras.get(name);
  }

  // In the order of the configuration, then any that only the events know.
  names() {
    const configured = (this.status?.cameras ?? []).map((camera) => camera.camera);
    return [...new Set([...configured, ...this.cameras.keys()])];
  }

  statusOf(name) {
    return this.status?.cameras.find((camera) => camera.camera === name) ?? null;
  }
}
