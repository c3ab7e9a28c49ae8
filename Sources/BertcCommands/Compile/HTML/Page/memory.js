// The plot of what lives in memory, launch by launch, stacked by category.
const shades = { weights: "#4c78c9", panels: "#3aa0b5", optimizer: "#7a5fc0", gradients: "#c9792c", activations: "#2a9d5c",
  workspace: "#b8405e", constants: "#8a93a3" };
const hidden = new Set();

function prepareMemory() { addEventListener("resize", () => location.hash === "#memory" && showMemory()); }

function showMemory() {
  const { memory } = data[mode];
  const buttons = memory.categories.map(({ name }) => {
    const button = make("button", { class: hidden.has(name) ? "off" : "" },
      make("span", { class: "key", "fill-by": shades[name] }, name));
    button.onclick = () => {
      if (!hidden.delete(name)) hidden.add(name);
      showMemory();
    };
    return button;
  });
  byID("categories").replaceChildren(...buttons,
    make("span", {}, `arena of ${bytes(memory.arena)} \u00b7 click a category to hide it`));
  drawPlot(memory);
}

// Round numbers for an axis up to `most`.
function ticks(most) {
  const rough = Math.max(most, 1) / 5, power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map(factor => factor * power).find(size => size >= rough);
  return Array.from({ length: Math.floor(most / step) + 1 }, (_, index) => index * step);
}

function drawPlot(memory) {
  const svg = byID("plot"), box = svg.getBoundingClientRect();
  const [left, right, top, bottom] = [80, box.width - 24, 24, box.height - 40];
  const launches = memory.nodes.length;
  const shown = memory.categories.filter(category => !hidden.has(category.name));
  const totals = memory.nodes.map((_, i) => shown.reduce((sum, category) => sum + category.bytes[i], 0));
  const most = Math.max(1, ...totals);
  const x = launch => left + (right - left) * launch / Math.max(1, launches);
  const y = value => bottom - (bottom - top) * value / (most * 1.05);
  const parts = ticks(most * 1.05).flatMap(value => [
    make("line", { class: "rule", x1: left, x2: right, y1: y(value), y2: y(value) }),
    make("text", { x: left - 8, y: y(value) + 4, "text-anchor": "end" }, bytes(value))]);
  const floor = memory.nodes.map(() => 0);
  for (const { name, bytes: sizes } of shown) {
    const upper = sizes.map((size, i) => floor[i] + size);
    const over = upper.map((value, i) => `${x(i)} ${y(value)}L${x(i + 1)} ${y(value)}`).join("L");
    const under = floor.map((value, i) => `${x(i + 1)} ${y(value)}L${x(i)} ${y(value)}`).reverse().join("L");
    if (launches > 0) {
      parts.push(make("path", { d: `M${over}L${under}Z`, fill: shades[name], "fill-opacity": .75 }));
    }
    upper.forEach((value, i) => { floor[i] = value; });
  }
  const peak = totals.indexOf(most);
  if (peak >= 0) {
    parts.push(make("text", { x: Math.min(Math.max(x(peak + .5), left + 60), right - 60), y: y(most) - 6,
      "text-anchor": "middle" }, `peak ${bytes(most)}`));
  }
  for (const launch of ticks(launches)) {
    parts.push(make("text", { x: x(launch), y: bottom + 18, "text-anchor": "middle" }, count(launch)));
  }
  parts.push(make("text", { x: (left + right) / 2, y: bottom + 34, "text-anchor": "middle" }, "launch"));
  const cursor = make("line", { class: "cursor", y1: top, y2: bottom, visibility: "hidden" });
  svg.replaceChildren(...parts, cursor);
  svg.onmousemove = event => {
    const launch = Math.floor((event.clientX - box.left - left) / (right - left) * launches);
    if (launch >= 0 && launch < launches) point(memory, launch, cursor, x(launch + .5));
  };
  if (peak >= 0) point(memory, peak, cursor, x(peak + .5));
}

function point(memory, launch, cursor, x) {
  cursor.setAttribute("x1", x);
  cursor.setAttribute("x2", x);
  cursor.setAttribute("visibility", "visible");
  const node = data[mode].nodes[memory.nodes[launch]];
  const figures = memory.categories.map(({ name, bytes: sizes }) => make("span",
    { class: "key", "fill-by": shades[name] }, `${name} ${bytes(sizes[launch])}\u2003`));
  byID("moment").replaceChildren(make("b", {}, `launch ${launch + 1} of ${memory.nodes.length}: ${node.o}`),
    make("div", {}, node.l || "\u00a0"), make("div", {}, ...figures));
}
