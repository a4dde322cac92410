// Wires the stream to the panels; everything shown is text or pictures from this program.

import { Chart } from "./chart.js";
import { duration } from "./format.js";
import { Gallery, logText, showLog } from "./gallery.js";
import { showCameras, showCounters, showLatency, showSinks, showSource, showVerdict, worst } from "./panels.js";
import { Picture } from "./picture.js";
import { Store } from "./store.js";
import { follow } from "./stream.js";

const MOST_SHOWN = 24;
const $ = (id) => document.getElementById(id);

const store = new Store();
const picture = new Picture();
const chart = new Chart($("chart"));
const gallery = new Gallery();
let selected = decodeURIComponent(location.hash.slice(1)) || null;
let loggedNumber = null;
const announced = new Set(); // cameras whose past has come

function select(name) {
  selected = name;
  loggedNumber = null;
  history.replaceState(null, "", `#${encodeURIComponent(name)}`);
  render();
}

function render() {
  const names = store.names();
  $("main").hidden = names.length === 0;
  if (!names.length) return;
  if (!names.includes(selected)) selected = names[0];
  const status = store.statusOf(selected);
  const memory = store.camera(selected);
  showCameras(store, selected, select);
  showVerdict(selected, status, store.now);
  showCounters(status);
  showLatency(status);
  showSource(status, picture.shown, store.now);
  showSinks(store.status?.sinks);
  picture.show(selected);
  chart.draw(memory.points, store.now);
  gallery.show(selected, memory.rejects, MOST_SHOWN);
  const newest = memory.log.at(-1)?.number ?? 0;
  if (newest !== loggedNumber) {
    loggedNumber = newest;
    showLog(memory.log);
  }
  document.title = title(names);
}

function title(names) {
  const bad = names.filter((name) => store.statusOf(name)?.verdict?.state !== "pass").length;
  return bad ? `✕ ${bad} of ${names.length} · dgiqa-edge` : "✓ dgiqa-edge";
}

function showConnection(state, text, old = false) {
  $("connection").dataset.state = state;
  if ($("connection").textContent !== text) $("connection").textContent = text; // unchanged text is not read out again
  $("main").classList.toggle("old", old);
}

// Read out to those who do not see the page: what people are told anyway, and nothing that was there before.
function announce(cameras) {
  const news = [];
  for (const [name, { log }] of Object.entries(cameras)) {
    if (announced.has(name)) news.push(...log.map((entry) => `${name}: ${logText(entry)}`));
    if (log.length) announced.add(name);
  }
  if (news.length) $("announcement").textContent = news.join(". ");
}

function showProcess() {
  const status = store.status;
  $("host").textContent = store.hello.host;
  $("engine").textContent = status ? `${status.preset} · ${status.precision}` : "";
  const memory = status?.memory_mib == null ? "" : ` · ${status.memory_mib.toFixed(0)} MiB`;
  $("uptime").textContent = status ? `up ${duration(status.uptime_s)}${memory}` : "";
}

function showNotice(text) {
  $("notice").hidden = !text;
  $("notice").textContent = text;
}

follow({
  onHello(hello) {
    store.reset(hello);
    loggedNumber = null;
    announced.clear();
    gallery.camera = null;
  },
  onNews(news) {
    store.take(news);
    if (store.status?.stopping) showConnection("lost", "stopping", true);
    else showConnection(...worst(store.status?.cameras ?? []));
    announce(news.cameras);
    showNotice(store.status ? "" : "The cameras are starting.");
    showProcess();
    render();
  },
  onLost() {
    showConnection("lost", "reconnecting", true);
    showNotice("The program does not answer: what is shown may be old. Trying again.");
  },
  onSignIn() {
    location.replace("/sign-in");
  },
});

for (const button of $("spans").children) {
  button.addEventListener("click", () => {
    for (const other of $("spans").children) other.setAttribute("aria-pressed", String(other === button));
    chart.minutes = Number(button.dataset.minutes);
    render();
  });
}

function applyTheme(theme) {
  if (theme) document.documentElement.dataset.theme = theme;
  chart.rebuild();
}

$("theme").addEventListener("click", () => {
  const dark = getComputedStyle(document.documentElement).getPropertyValue("--is-dark").trim() === "1";
  localStorage.setItem("theme", dark ? "light" : "dark");
  applyTheme(dark ? "light" : "dark");
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => applyTheme(null));
applyTheme(localStorage.getItem("theme"));
