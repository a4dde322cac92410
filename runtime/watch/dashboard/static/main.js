// Wires the stream to the wall and to the open camera; everything shown is text or pictures from this program.

import { Detail } from "./detail.js";
import { $, clock, duration, setText } from "./format.js";
import { logText } from "./gallery.js";
import { showProcess, showSinks } from "./panels.js";
import { Regions } from "./regions.js";
import { follow } from "./stream.js";
import { showSummary } from "./summary.js";
import { Wall } from "./wall.js";

const world = { hello: null, news: null }; // what the program said last
const detail = new Detail(world);
const wall = new Wall();
const regions = new Regions();
let lost = null; // since when nothing came, and whether this machine slept meanwhile

function openCamera() {
  try {
    return decodeURIComponent(location.hash.slice(1)) || null;
  } catch {
    return null; // no name of ours
  }
}

function route() {
  const left = detail.camera;
  const camera = openCamera();
  $("wall-page").hidden = camera !== null;
  $("detail").hidden = camera === null;
  wall.shown = camera === null;
  if (camera === left) return;
  detail.open(camera);
  regions.open(camera);
  if (camera === null) wall.focus(left);
  else $("camera-name").focus();
  render();
}

function render() {
  const { news } = world;
  if (!news) return;
  showSummary(news.cameras, openCamera(), lost !== null);
  $("no-camera").hidden = news.cameras.length > 0;
  setText($("no-camera"), news.process ? "No camera yet." : "The cameras are starting.");
  wall.show(news.cameras, news.now);
  detail.show();
  if ($("system").open) {
    showProcess(world.hello, news.process);
    showSinks(news.process?.sinks);
  }
}

function showConnection(state, text) {
  $("connection").dataset.state = state;
  setText($("connection"), text);
  $("main").classList.toggle("old", state === "lost");
}

function showLoss() {
  $("notice").hidden = lost === null;
  $("retry").hidden = lost === null || lost.slept;
  if (lost === null) return;
  const [since, away] = [clock(lost.since / 1000), duration((Date.now() - lost.since) / 1000)];
  const text = lost.slept
    ? `This page was asleep since ${since}: it is catching up.`
    : `The program does not answer since ${since} (${away}): what is shown is old. Trying again every few seconds.`;
  setText($("notice-text"), text);
}

// Read out to those who do not see the page: what people are told anyway.
function announce(log) {
  const news = Object.entries(log).flatMap(([name, entries]) => entries.map((entry) => `${name}: ${logText(entry)}`));
  if (news.length) $("announcement").textContent = news.join(". ");
}

const tryNow = follow({
  onHello(hello) {
    world.hello = hello;
    $("host").textContent = hello.host;
    detail.restart();
    if ($("regions").hidden) regions.open(detail.camera); // nobody may have been there to ask
  },
  onNews(news) {
    world.news = news;
    lost = null;
    showLoss();
    if (news.process?.stopping) showConnection("lost", "stopping");
    else showConnection("live", "live");
    announce(news.log);
    render();
  },
  onLost(since, slept) {
    lost = { since, slept };
    showConnection("lost", "no connection");
    showLoss();
    render();
  },
  onSignIn() {
    location.replace("/sign-in");
  },
});

setInterval(showLoss, 1000);
$("retry").addEventListener("click", tryNow);
$("system").addEventListener("toggle", render);
window.addEventListener("hashchange", route);
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && detail.camera !== null && !document.querySelector("dialog[open]")) location.hash = "";
});

const night = matchMedia("(prefers-color-scheme: dark)");

function applyTheme(theme) {
  if (theme) document.documentElement.style.colorScheme = theme;
  detail.chart.rebuild();
}

$("theme").addEventListener("click", () => {
  const isDark = (document.documentElement.style.colorScheme || (night.matches ? "dark" : "light")) === "dark";
  localStorage.setItem("theme", isDark ? "light" : "dark");
  applyTheme(isDark ? "light" : "dark");
});
night.addEventListener("change", () => applyTheme(null));
applyTheme(localStorage.getItem("theme"));
route();
