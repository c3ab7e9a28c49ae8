// Draws the graph; moves, opens, finds and describes its nodes.
const graphs = {};
let view = { x: 0, y: 0, scale: 1 }, drawn = new Map(), layer = null, chosen = null;

function currentTree() {
  const key = mode + byID("sources").checked;
  if (!graphs[key]) {
    graphs[key] = buildTree(data[mode].nodes, byID("sources").checked);
    openSome(graphs[key].root);
  }
  return graphs[key];
}

let lastTree = null;
function showGraph() {
  const tree = currentTree();
  const isNew = tree !== lastTree;
  lastTree = tree;
  drawGraph(tree);
  showLegend();
  mark();
  if (isNew) { fit(); describe(null); }
}

function drawGraph(tree) {
  const wires = connect(tree);
  layout(tree.root);
  drawn = new Map();
  layer = make("g");
  const boxes = make("g"), lines = make("g");
  tree.root.items.forEach(item => draw(item, 0, 0, boxes));
  for (const [from, targets] of wires) for (const to of targets) lines.append(wire(from, to));
  layer.append(...boxes.childNodes);
  // Wires lie over open scopes and below nodes: nodes are drawn after them.
  const top = [...layer.children].filter(g => !g.classList.contains("scope"));
  layer.append(lines, ...top);
  byID("canvas").replaceChildren(layer);
  move();
}

function draw(item, x, y, target) {
  [item.left, item.top] = [x + item.x, y + item.y];
  const place = { x: item.left, y: item.top, width: item.width, height: item.height, rx: 6 };
  const group = make("g");
  drawn.set(item, { group, wires: [] });
  target.append(group);
  if (item.node) drawLeaf(item, group, place);
  else if (item.isOpen) {
    group.setAttribute("class", "scope");
    group.append(make("rect", { ...place, rx: 9 }),
      make("rect", { ...place, height: sizes.head, class: "head" }),
      make("text", { x: item.left + 12, y: item.top + 18, class: "name" }, item.name));
    group.children[1].onclick = () => toggle(item);
    item.items.forEach(child => draw(child, item.left, item.top, target));
  } else drawShut(item, group, place);
  group.onmouseenter = () => light(item, true);
  group.onmouseleave = () => light(item, false);
}

function drawLeaf(item, group, place) {
  group.setAttribute("class", "leaf");
  group.style.setProperty("--fill", fill(item.node.k));
  const type = item.node.t.replace(/ @ "[^"]*"$/, "").split(" : ").at(-1);
  group.append(make("rect", place), make("text", { x: place.x + 11, y: place.y + 16 }, item.title),
    make("text", { x: place.x + 11, y: place.y + 30, class: "sub" },
      clip(type, Math.floor((place.width - 20) / 5.6))));
  group.onclick = () => describe(item);
}

// A closed scope: its name, how many nodes, and their time by template as a bar.
function drawShut(item, group, place) {
  group.setAttribute("class", "shut");
  group.append(make("rect", place),
    make("text", { x: place.x + 11, y: place.y + 17, class: "name" }, item.name),
    make("text", { x: place.x + 11, y: place.y + 31, class: "sub" }, counted(item.leaves)));
  const times = new Map();
  for (const { node } of item.leaves) {
    if (node.c) times.set(node.k, (times.get(node.k) ?? 0) + node.c[2]);
  }
  const total = [...times.values()].reduce((a, b) => a + b, 0);
  let x = place.x + 11;
  for (const [template, time] of times) {
    const width = total > 0 ? time / total * (place.width - 22) : 0;
    group.append(make("rect", { x, y: place.y + 37, width, height: 4, class: "part",
      "fill-by": fill(template) }));
    x += width;
  }
  group.onclick = () => toggle(item);
}

function counted(leaves) {
  const kernels = leaves.filter(leaf => leaf.node.k).length;
  const time = leaves.reduce((sum, leaf) => sum + (leaf.node.c ? leaf.node.c[2] : 0), 0);
  return kernels > 0 ? `${kernels} kernel${kernels > 1 ? "s" : ""}, ${seconds(time)}`
    : `${leaves.length} nodes`;
}

function wire(from, to) {
  const [x1, y1] = [from.left + from.width / 2, from.top + from.height];
  const [x2, y2] = [to.left + to.width / 2, to.top];
  const bend = Math.min(160, Math.max(18, Math.abs(y2 - y1) / 2));
  const path = make("path", { class: "wire" + (y2 - y1 > 420 || y2 < y1 ? " far" : ""),
    d: `M${x1} ${y1}C${x1} ${y1 + bend} ${x2} ${y2 - bend} ${x2} ${y2}` });
  drawn.get(from).wires.push(path);
  drawn.get(to).wires.push(path);
  return path;
}

function light(item, isLit) {
  for (const path of drawn.get(item)?.wires ?? []) path.classList.toggle("lit", isLit);
}

// Opens or closes a scope; its upper left corner stays where it is on the screen.
function toggle(item) {
  const before = [item.left, item.top];
  item.isOpen = !item.isOpen;
  drawGraph(lastTree);
  view.x += (before[0] - item.left) * view.scale;
  view.y += (before[1] - item.top) * view.scale;
  move();
  mark();
}

function move() {
  layer?.setAttribute("transform", `translate(${view.x} ${view.y}) scale(${view.scale})`);
}

function fit(items = [lastTree.root]) {
  const canvas = byID("canvas").getBoundingClientRect();
  const left = Math.min(...items.map(i => i.left ?? 0)), top = Math.min(...items.map(i => i.top ?? 0));
  const right = Math.max(...items.map(i => (i.left ?? 0) + i.width));
  const bottom = Math.max(...items.map(i => (i.top ?? 0) + i.height));
  const whole = Math.min(canvas.width / (right - left + 40), canvas.height / (bottom - top + 40));
  // A tall graph starts at its upper end, in a size that can be read.
  view.scale = Math.min(1.2, Math.max(whole, Math.min(.7, canvas.width / (right - left + 40))));
  view.x = (canvas.width - (right + left) * view.scale) / 2;
  view.y = whole < view.scale ? 20 - top * view.scale : (canvas.height - (bottom + top) * view.scale) / 2;
  move();
}

function describe(item) {
  chosen = item;
  mark();
  const panel = byID("detail");
  if (!item) {
    panel.replaceChildren(make("h2", {}, mode === "fused" ? "After fusion" : "Before fusion"),
      make("p", {}, "Drag to move, turn the wheel to zoom. Click a scope to open it, its title to close "
        + "it, and a node to see its line, its cost and what was fused into it."));
    return;
  }
  const { node } = item;
  panel.replaceChildren(make("h2", {}, node.o), make("p", {}, node.l || "no label"));
  if (node.c) {
    panel.append(make("p", {}, make("span", { class: "key", "fill-by": fill(node.k) }, node.k),
      ` \u00b7 ${flops(node.c[0])} \u00b7 ${bytes(node.c[1])} moved \u00b7 ${seconds(node.c[2])} predicted`));
  }
  panel.append(make("pre", {}, node.t));
  if (node.b) panel.append(make("p", {}, "computed in one kernel:"), make("pre", {}, node.b));
}

const matches = (leaf, words) => words.every(word =>
  leaf.node.o.toLowerCase().includes(word) || leaf.node.l.toLowerCase().includes(word));

function hits() {
  const words = byID("find").value.toLowerCase().split(/\s+/).filter(Boolean);
  return words.length > 0 ? lastTree.leaves.filter(leaf => matches(leaf, words)) : [];
}

// Outlines what was found, or the closed scopes that hold it.
function mark() {
  const found = hits(), shown = new Set();
  for (const leaf of found) shown.add(chain(leaf).find(item => item.node || !item.isOpen));
  for (const [item, { group }] of drawn) {
    group.classList.toggle("hit", shown.has(item));
    group.classList.toggle("chosen", item === chosen);
  }
  byID("found").textContent = byID("find").value.trim() ? `${count(found.length)} found` : "";
}

// Opens the scopes of what was found and moves there.
function reveal() {
  const found = hits().slice(0, 100);
  for (const leaf of found) for (const item of chain(leaf)) if (!item.node) item.isOpen = true;
  if (found.length === 0) return;
  drawGraph(lastTree);
  fit(found);
  if (found.length === 1) describe(found[0]); else mark();
}

function showLegend() {
  const names = [...new Set(data[mode].nodes.map(node => node.k).filter(Boolean))];
  byID("legend").replaceChildren(
    ...names.map(name => make("span", { class: "key", "fill-by": fill(name) }, name)));
}

function prepareGraph() {
  const canvas = byID("canvas");
  let held = null;
  canvas.onpointerdown = event => { held = { x: event.clientX - view.x, y: event.clientY - view.y }; };
  addEventListener("pointermove", event => {
    if (!held) return;
    canvas.classList.add("held");
    [view.x, view.y] = [event.clientX - held.x, event.clientY - held.y];
    move();
  });
  addEventListener("pointerup", () => { held = null; canvas.classList.remove("held"); });
  canvas.addEventListener("wheel", event => {
    event.preventDefault();
    const box = canvas.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    const scale = Math.min(4, Math.max(.02, view.scale * Math.exp(-event.deltaY / 500)));
    view.x = x - (x - view.x) * scale / view.scale;
    view.y = y - (y - view.y) * scale / view.scale;
    view.scale = scale;
    move();
  }, { passive: false });
  byID("find").oninput = mark;
  byID("find").onchange = reveal;
  byID("fit").onclick = () => fit();
  byID("sources").onchange = showGraph;
  byID("collapse").onclick = () => {
    const close = scope => { scope.isOpen = !scope.parent; scope.scopes.forEach(close); };
    close(lastTree.root);
    drawGraph(lastTree);
    fit();
    mark();
  };
}
