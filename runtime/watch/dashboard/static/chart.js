// Score and thresholds over time, and behind them the camera's state: hatched where it rejects, dotted where unknown,
// crossed where nothing was scored: there the lines have a gap.

import { clock, decimal, duration, NOTHING } from "./format.js";

const Y_RANGE = [0, 1];
const LEAST_HEIGHT = 200;
const SHORTEST_S = 10;
const LOST = "lost";

export class Chart {
  constructor(holder) {
    this.holder = holder;
    this.minutes = 10;
    this.plot = null;
    this.points = [];
    this.now = null;
    this.resizes = new ResizeObserver(() => this.plot?.setSize(this.size()));
    this.resizes.observe(holder);
  }

  // Colours come from the style sheet, so a change of theme builds the chart anew.
  rebuild() {
    this.plot?.destroy();
    this.plot = null;
    this.draw(this.points, this.now);
  }

  draw(points, now) {
    this.points = points;
    this.now = now;
    const shown = this.inWindow(points);
    this.states = shown.map((point) => point[6]);
    const columns = [0, 1, 2, 3, 4, 5].map((column) => shown.map((point) => point[column]));
    const text = inWords(shown);
    if (this.holder.getAttribute("aria-label") !== text) this.holder.setAttribute("aria-label", text);
    if (this.plot) this.plot.setData(columns);
    else {
      this.plot = new uPlot(this.options(), columns, this.holder);
      this.resizes.observe(this.holder.querySelector(".u-legend")); // a new width wraps it anew, and so its height changes
    }
  }

  // The points shown: one more on the left, so that its state reaches into the window; and where the camera is lost, one
  // for now.
  inWindow(points) {
    if (!points.length) {
      this.window = null;
      return points;
    }
    const newest = points.at(-1);
    const end = newest[6] === LOST && this.now > newest[0] ? this.now : newest[0];
    const from = this.minutes ? end - this.minutes * 60 : points[0][0];
    const start = Math.max(from, points[0][0]);
    this.window = [start, Math.max(end, start + SHORTEST_S)];
    const first = points.findIndex((point) => point[0] >= from);
    const shown = points.slice(Math.max(0, (first < 0 ? points.length : first) - 1));
    return end > newest[0] ? [...shown, [end, null, null, null, null, null, LOST]] : shown;
  }

  size() {
    const legend = this.holder.querySelector(".u-legend")?.offsetHeight ?? 0;
    return { width: Math.max(200, this.holder.clientWidth), height: Math.max(LEAST_HEIGHT, this.holder.clientHeight - legend) };
  }

  options() {
    const colour = (name) => {
      this.holder.style.color = `var(--${name})`;
      return getComputedStyle(this.holder).color;
    };
    // Without a cursor over the chart the legend shows the newest point.
    const shown = (plot, series, index) => plot.data[series][index ?? plot.data[0].length - 1];
    const number = (plot, _, series, index) => decimal(shown(plot, series, index), 3);
    const time = (plot, _, series, index) => clockOrNothing(shown(plot, series, index));
    const line = (label, stroke, width, dash) => ({ label, stroke, width, dash, value: number, points: { show: false } });
    const axis = { stroke: colour("quiet"), grid: { stroke: colour("line"), width: 1 }, ticks: { stroke: colour("line") } };
    return {
      ...this.size(),
      padding: [null, 30, null, null], // half of a time's text
      scales: { x: { range: (_, low, high) => this.window ?? [low, high] }, y: { range: Y_RANGE } },
      // A line as it is drawn: score and smoothed have one colour.
      legend: { markers: { width: (plot, index) => plot.series[index].width, dash: (plot, index) => dashes(plot.series[index].dash) } },
      cursor: { y: false, drag: { x: false, y: false } },
      axes: [{ ...axis, space: 80, values: (_, times) => times.map(clockOrNothing) }, { ...axis, size: 42 }],
      series: [
        { label: "time", value: time },
        line("score", colour("accent"), 1),
        line("lowest in 1 s", colour("quiet"), 1, [1, 3]),
        line("smoothed", colour("accent"), 2.5),
        line("reject below", colour("reject"), 1.5, [8, 4]),
        line("accept from", colour("pass"), 1.5, [3, 3]),
      ],
      hooks: { drawClear: [(plot) => this.paintStates(plot, colour)] },
    };
  }

  paintStates(plot, colour) {
    const [times] = plot.data;
    const { ctx, bbox } = plot;
    const fills = { reject: pattern(ctx, colour("reject"), hatch), unknown: pattern(ctx, colour("unknown"), dots), lost: pattern(ctx, colour("quiet"), crosses) };
    ctx.save();
    for (let first = 0; first < times.length; ) {
      let last = first;
      while (last + 1 < times.length && this.states[last + 1] === this.states[first]) last += 1;
      const fill = fills[this.states[first]];
      if (fill) {
        const left = Math.max(bbox.left, plot.valToPos(times[first], "x", true));
        const right = Math.min(bbox.left + bbox.width, plot.valToPos(times[Math.min(last + 1, times.length - 1)], "x", true));
        ctx.fillStyle = fill;
        ctx.fillRect(left, bbox.top, Math.max(2, right - left), bbox.height);
      }
      first = last + 1;
    }
    ctx.restore();
  }
}

// For those who do not see the chart: the times without verdicts.
function inWords(points) {
  const gaps = points.flatMap((point, place) => {
    const next = points[place + 1];
    return point[6] === LOST && next ? [`no verdicts from ${clock(point[0])} for ${duration(next[0] - point[0])}`] : [];
  });
  return ["Score over time", ...gaps].join("; ");
}

// CSS's word for a line's dashes.
function dashes(lengths) {
  return !lengths ? "solid" : lengths[0] > 4 ? "dashed" : "dotted";
}

function clockOrNothing(time) {
  return time == null ? NOTHING : clock(time);
}

function pattern(ctx, colour, paint) {
  const tile = document.createElement("canvas");
  tile.width = tile.height = 10;
  const brush = tile.getContext("2d");
  brush.strokeStyle = brush.fillStyle = colour;
  paint(brush);
  return ctx.createPattern(tile, "repeat");
}

function hatch(brush) {
  brush.globalAlpha = 0.12;
  brush.fillRect(0, 0, 10, 10);
  brush.globalAlpha = 0.35;
  brush.lineWidth = 1.5;
  brush.beginPath();
  for (const shift of [-10, 0, 10]) {
    brush.moveTo(shift, 10);
    brush.lineTo(shift + 10, 0);
  }
  brush.stroke();
}

function crosses(brush) {
  brush.globalAlpha = 0.12;
  brush.fillRect(0, 0, 10, 10);
  brush.globalAlpha = 0.45;
  brush.lineWidth = 1;
  brush.beginPath();
  brush.moveTo(0, 0);
  brush.lineTo(10, 10);
  brush.moveTo(0, 10);
  brush.lineTo(10, 0);
  brush.stroke();
}

function dots(brush) {
  brush.globalAlpha = 0.45;
  brush.fillRect(2, 2, 2, 2);
  brush.fillRect(7, 7, 2, 2);
}
