"use strict";
// Elements, numbers, colours, and what switches between the parts of the page.
const data = JSON.parse(document.getElementById("data").textContent);
const byID = id => document.getElementById(id);
let mode = "fused";

// A new element: attributes, then children.
function make(name, attributes = {}, ...children) {
  const isDrawn = ["svg", "g", "rect", "text", "path", "line", "title"].includes(name);
  const element = isDrawn
    ? document.createElementNS("http://www.w3.org/2000/svg", name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "fill-by") element.style.setProperty("--fill", value);
    else element.setAttribute(key, value);
  }
  element.append(...children);
  return element;
}

function scaled(value, units, step = 1000) {
  let size = Math.abs(value), unit = 0;
  while (size >= step && unit + 1 < units.length) { size /= step; unit += 1; }
  const digits = unit === 0 || size >= 100 ? 0 : size >= 10 ? 1 : 2;
  return (value < 0 ? "-" : "") + size.toFixed(digits) + " " + units[unit];
}
const bytes = value => scaled(value, ["B", "KB", "MB", "GB", "TB"]);
const flops = value => scaled(value, ["FLOP", "KFLOP", "MFLOP", "GFLOP", "TFLOP"]);
const seconds = value => scaled(value * 1e6, ["us", "ms", "s"]);
const count = value => value.toLocaleString("en");

// Colours of kernel templates: those that take most of the time have the first ones.
const palette = ["#2f6fde", "#2a9d5c", "#8b4fd8", "#c98a00", "#17a2b8", "#d9622b", "#b0357a", "#b8a000", "#00897b",
  "#6d4c41", "#5c6bc0", "#c2185b"];
const templates = [...new Set([...data.fused.kernels, ...data.unfused.kernels].map(kernel => kernel.template))];
function fill(template) {
  const index = templates.indexOf(template);
  return index < 0 ? "#8a93a3" : palette[index] || `hsl(${Math.round(index * 137.5) % 360} 55% 45%)`;
}

// The most that is live at once, of all categories or of those that are wanted.
const peak = (program, isWanted = () => true) => Math.max(0, ...program.memory.nodes.map((_, launch) =>
  program.memory.categories.filter(isWanted).reduce((sum, category) => sum + category.bytes[launch], 0)));
const isActivation = category => category.name === "activations";

// before → after, with the change.
function card(title, before, after, text) {
  const change = before > 0 ? Math.round((after / before - 1) * 100) : 0;
  const sign = change > 0 ? "+" : change < 0 ? "\u2212" : "";
  const note = make("i", change > 0 ? { class: "worse" } : {}, `${sign}${Math.abs(change)} %`);
  const figures = make("b", {}, before === after ? text(after) : `${text(before)} \u2192 ${text(after)}`);
  if (change !== 0) figures.append(note);
  return make("div", { class: "card" }, figures, make("span", {}, title));
}

function header() {
  byID("name").textContent = data.name;
  const symbols = Object.entries(data.symbols).map(([name, value]) => `${name} ${count(value)}`);
  const { unfused, fused } = data;
  byID("extents").textContent =
    [...symbols, `${flops(fused.flops)} a run`, `kernels for ${data.instructionSet}`].join(" \u00b7 ");
  const done = data.decisions.filter(group => group.fused).reduce((sum, g) => sum + g.places.length, 0);
  const all = data.decisions.reduce((sum, group) => sum + group.places.length, 0);
  byID("cards").append(
    card("kernel launches", unfused.launches, fused.launches, count),
    card("memory traffic", unfused.bytes, fused.bytes, bytes),
    card("predicted time", unfused.seconds, fused.seconds, seconds),
    card("most activations", peak(unfused, isActivation), peak(fused, isActivation), bytes),
    card("memory at the peak", peak(unfused), peak(fused), bytes),
    make("div", { class: "card" }, make("b", {}, `${count(done)} of ${count(all)}`),
      make("span", {}, "candidates fused")));
}

function show() {
  const name = ["graph", "kernels", "memory", "fusion"].find(id => "#" + id === location.hash) || "graph";
  for (const section of document.querySelectorAll("section")) {
    section.classList.toggle("on", section.id === name);
  }
  for (const link of document.querySelectorAll("nav a")) {
    link.classList.toggle("on", link.hash === "#" + name);
  }
  for (const button of document.querySelectorAll("#mode button")) {
    button.classList.toggle("on", button.dataset.mode === mode);
  }
  byID("mode").style.visibility = name === "fusion" ? "hidden" : "visible";
  ({ graph: showGraph, kernels: showKernels, memory: showMemory, fusion: showDecisions })[name]();
}

function start() {
  header();
  for (const button of document.querySelectorAll("#mode button")) {
    button.onclick = () => { mode = button.dataset.mode; show(); };
  }
  addEventListener("hashchange", show);
  prepareGraph();
  prepareMemory();
  prepareDecisions();
  show();
}
