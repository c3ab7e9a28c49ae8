// Places nodes: a tree of scopes from their labels, and in each open scope layers by depth.
//
// An item is a node or a scope. Labels that end in `.gradient` go to a scope of their own, so that the backward pass
// stands below the forward pass instead of within it.
const sizes = { leaf: 38, shut: 46, head: 26, pad: 14, column: 18, rank: 38, across: 8 };

function scopePath(label) {
  let parts = label ? label.split(".") : [];
  if (parts.at(-1) === "gradient") parts = ["gradient", ...parts.slice(0, -1)];
  // layer.3 is one scope.
  return parts.reduce((path, part) => {
    if (/^\d+$/.test(part) && path.length > 0) path[path.length - 1] += "." + part;
    else path.push(part);
    return path;
  }, []);
}

function newScope(name, path, parent) {
  return { name, path, parent, items: [], scopes: new Map(), leaves: [], isOpen: false };
}

// The scopes of a program's nodes, as far as they are shown.
function buildTree(nodes, showSources) {
  const root = newScope("", "", null);
  const leaves = nodes.map((node, index) => {
    if (node.s && !showSources) return null;
    let scope = root;
    for (const part of scopePath(node.l)) {
      if (!scope.scopes.has(part)) {
        const child = newScope(part, scope.path ? scope.path + "." + part : part, scope);
        scope.scopes.set(part, child);
        scope.items.push(child);
      }
      scope = scope.scopes.get(part);
    }
    const leaf = { node, index, parent: scope };
    scope.items.push(leaf);
    for (let s = scope; s; s = s.parent) s.leaves.push(leaf);
    return leaf;
  });
  root.isOpen = true;
  return { root, leaves: leaves.filter(Boolean), byIndex: leaves };
}

// Opens scopes from the outside in while the picture stays small.
function openSome(root) {
  const waiting = [root];
  let shown = root.items.length;
  while (waiting.length > 0) {
    const scope = waiting.shift();
    for (const child of scope.scopes.values()) {
      const isOnly = child.items.length === 1;
      if (shown + child.items.length > 70 && !isOnly) continue;
      child.isOpen = true;
      shown += child.items.length;
      waiting.push(child);
    }
  }
}

function chain(leaf) {
  const scopes = [leaf];
  for (let s = leaf.parent; s; s = s.parent) scopes.unshift(s);
  return scopes;
}

// Edges between the items of each scope, and between what is visible.
function connect(tree) {
  const wires = new Map();
  const clear = scope => { scope.edges = new Map(); scope.scopes.forEach(clear); };
  clear(tree.root);
  const chains = new Map(tree.leaves.map(leaf => [leaf, chain(leaf)]));
  const visible = leaf => chains.get(leaf).find(item => item.node || !item.isOpen);
  for (const target of tree.leaves) {
    for (const index of target.node.i) {
      const source = tree.byIndex[index];
      if (!source) continue;
      const [a, b] = [chains.get(source), chains.get(target)];
      let depth = 0;
      while (a[depth] === b[depth]) depth += 1;
      const edges = a[depth - 1].edges;
      if (!edges.has(b[depth])) edges.set(b[depth], new Set());
      edges.get(b[depth]).add(a[depth]);
      const [from, to] = [visible(source), visible(target)];
      if (from === to) continue;
      if (!wires.has(from)) wires.set(from, new Set());
      wires.get(from).add(to);
    }
  }
  return wires;
}

// A scope may have a node that runs long before its others: its middle one says where it belongs.
const position = item => item.node ? item.index : item.leaves[item.leaves.length >> 1].index;

// Each item one layer below what it reads; what comes earlier in the graph never waits for what comes later.
function ranks(scope) {
  const items = [...scope.items].sort((a, b) => position(a) - position(b));
  const place = new Map(items.map((item, index) => [item, index]));
  const rank = new Map();
  for (const item of items) {
    let own = 0;
    for (const source of scope.edges.get(item) ?? []) {
      if (place.get(source) < place.get(item)) own = Math.max(own, rank.get(source) + 1);
    }
    rank.set(item, own);
  }
  const rows = [];
  for (const item of items) (rows[rank.get(item)] ??= []).push(item);
  return rows.filter(Boolean);
}

const textWidth = text => text.length * 7.4 + 22;
const clip = (text, length) => text.length > length ? text.slice(0, length - 1) + "\u2026" : text;

// Sets width and height of an item, and x and y of what an open scope holds, relative to it.
function layout(item) {
  if (item.node) {
    item.title = clip(item.node.o, 44);
    item.width = Math.max(96, textWidth(item.title));
    item.height = sizes.leaf;
    return;
  }
  if (!item.isOpen) {
    item.width = Math.max(150, textWidth(item.name));
    item.height = sizes.shut;
    return;
  }
  for (const child of item.items) { layout(child); child.x = undefined; }
  let y = (item.parent ? sizes.head : 0) + sizes.pad;
  let inner = item.parent ? textWidth(item.name) : 0;
  for (const row of rows(item)) {
    const width = row.reduce((sum, child) => sum + child.width + sizes.column, -sizes.column);
    inner = Math.max(inner, width);
    // From the middle of the scope, which is known at the end.
    let x = -width / 2;
    for (const child of row) {
      [child.x, child.y] = [x, y];
      x += child.width + sizes.column;
    }
    y += Math.max(...row.map(child => child.height)) + sizes.rank;
  }
  item.items.forEach(child => { child.x += inner / 2 + sizes.pad; });
  item.width = inner + 2 * sizes.pad;
  item.height = y - sizes.rank + sizes.pad;
}

// One after the other: the order within a row depends on where the rows above it went.
function* rows(scope) {
  for (const rank of ranks(scope)) yield* wrapped(ordered(rank, scope));
}

// By the middle of what an item reads, as far as that has a place in this scope.
function ordered(row, scope) {
  const middle = item => {
    const sources = [...scope.edges.get(item) ?? []].filter(source => source.x !== undefined);
    return sources.reduce((sum, source) => sum + source.x + source.width / 2, 0) / (sources.length || 1);
  };
  const middles = new Map(row.map(item => [item, middle(item)]));
  return row.sort((a, b) => middles.get(a) - middles.get(b));
}

function wrapped(row) {
  const rows = [];
  for (let start = 0; start < row.length; start += sizes.across) {
    rows.push(row.slice(start, start + sizes.across));
  }
  return rows;
}
