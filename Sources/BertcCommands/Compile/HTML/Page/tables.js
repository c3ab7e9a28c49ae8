// The table of kernels, which can be sorted, and that of fusion candidates, which can be filtered.
let order = { column: "seconds", isUp: false };

function showKernels() {
  const { kernels, seconds: total } = data[mode];
  const largest = Math.max(...kernels.map(kernel => kernel.seconds), 1e-12);
  const columns = [
    ["name", "kernel"], ["template", "template"], ["launches", "launches", count], ["flops", "work", flops],
    ["bytes", "traffic", bytes], ["intensity", "FLOP / byte", value => value.toFixed(1)],
    ["seconds", "predicted time", seconds]];
  const sign = order.isUp ? 1 : -1;
  const rows = [...kernels].sort((a, b) => {
    const [x, y] = [a[order.column], b[order.column]];
    return sign * (x < y ? -1 : x > y ? 1 : 0);
  });
  const head = columns.map(([column, title, text]) => {
    const direction = order.column === column ? ` sorted${order.isUp ? " up" : ""}` : "";
    const cell = make("th", { class: (text ? "number" : "") + direction }, title);
    cell.onclick = () => {
      order = { column, isUp: order.column === column ? !order.isUp : !text };
      showKernels();
    };
    return cell;
  });
  const body = rows.map(kernel => {
    const cells = columns.map(([column, , text]) => column === "template"
      ? make("td", {}, make("span", { class: "key", "fill-by": fill(kernel.template) }, kernel.template))
      : make("td", { class: text ? "number" : "code" }, text ? text(kernel[column]) : kernel[column]));
    const share = total > 0 ? (kernel.seconds / total * 100).toFixed(1) + " %" : "";
    const meter = make("span", { class: "meter", "fill-by": fill(kernel.template) });
    meter.style.width = kernel.seconds / largest * 75 + "%";
    const row = make("tr", { title: "show in the graph" }, ...cells,
      make("td", { class: "meters" }, share, meter));
    row.onclick = () => {
      byID("find").value = kernel.name;
      location.hash = "#graph";
      setTimeout(reveal);
    };
    return row;
  });
  byID("kernel-table").replaceChildren(
    make("thead", {}, make("tr", {}, ...head, make("th", {}, "share"))), make("tbody", {}, ...body));
}

function showDecisions() {
  const words = byID("filter").value.toLowerCase().split(/\s+/).filter(Boolean);
  const isWanted = (group, place) => {
    const text = `${group.pattern} ${group.reason} ${place}`.toLowerCase();
    return words.every(word => text.includes(word));
  };
  const rows = [];
  let shown = 0;
  for (const group of data.decisions) {
    if (!byID(group.fused ? "show-fused" : "show-rejected").checked) continue;
    const places = group.places.filter(place => isWanted(group, place));
    if (places.length === 0) continue;
    shown += places.length;
    rows.push(decisionRow(group, places));
  }
  byID("shown").textContent = `${count(shown)} candidates`;
  const heads = [["", ""], ["number", "count"], ["number", "bytes saved"], ["", "pattern"], ["", "why"]];
  byID("decision-table").replaceChildren(
    make("thead", {}, make("tr", {}, ...heads.map(([style, title]) => make("th", { class: style }, title)))),
    make("tbody", {}, ...rows));
}

// What of a group was asked for; a click lists where.
function decisionRow(group, places) {
  const verdict = make("span", { class: group.fused ? "verdict" : "verdict no" },
    group.fused ? "fused" : "rejected");
  const reason = make("td", {}, group.reason);
  const row = make("tr", {}, make("td", {}, verdict), make("td", { class: "number" }, count(places.length)),
    make("td", { class: "number" }, bytes(group.bytes * places.length / group.places.length)),
    make("td", { class: "code" }, group.pattern), reason);
  row.onclick = () => {
    const list = reason.querySelector(".places");
    if (list) list.remove(); else reason.append(make("div", { class: "places" }, places.join("\n")));
  };
  return row;
}

function prepareDecisions() {
  for (const id of ["filter", "show-fused", "show-rejected"]) byID(id).oninput = showDecisions;
}
