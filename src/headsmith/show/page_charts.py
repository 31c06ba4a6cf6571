"""The report's script: draws each chart from the numbers beside it, and tells the values under the pointer."""

SCRIPT = """
"use strict";
(function () {
  const COLOURS = ["#2f81f7", "#e5534b", "#2da44e", "#c69026", "#986ee2", "#768390"];
  const W = 560, H = 260, LEFT = 58, RIGHT = 12, TOP = 12, BOTTOM = 40;

  function make(parent, name, attributes, text) {
    const element = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const key in attributes) element.setAttribute(key, attributes[key]);
    if (text !== undefined) element.textContent = text;
    parent.appendChild(element);
    return element;
  }
  function ticks(low, high, wanted) {
    const raw = (high - low) / wanted, power = Math.pow(10, Math.floor(Math.log10(raw)));
    const step = [1, 2, 5, 10].map(f => f * power).find(s => s >= raw);
    const found = [];
    for (let k = Math.ceil(low / step); k * step <= high + step * 1e-9; k++) found.push(k * step);
    return found;
  }
  function short(value) { return value === null ? "none" : String(Number(value.toPrecision(4))); }

  function draw(figure) {
    const data = JSON.parse(figure.querySelector("script").textContent);
    const values = data.lines.flatMap(line => line.values).filter(v => v !== null);
    const keys = figure.querySelector(".keys");
    if (!values.length) { keys.textContent = "no values"; return; }
    let low = Math.min(...values), high = Math.max(...values);
    const margin = low === high ? 1 : (high - low) * 0.05;
    low -= margin;
    high += margin;
    const first = data.x[0], last = Math.max(data.x[data.x.length - 1], first + 1e-9);
    const px = x => LEFT + (x - first) / (last - first) * (W - LEFT - RIGHT);
    const py = y => H - BOTTOM - (y - low) / (high - low) * (H - TOP - BOTTOM);
    const svg = make(figure.querySelector(".canvas"), "svg", {viewBox: "0 0 " + W + " " + H, role: "img"});
    make(svg, "title", {}, data.title);
    for (const t of ticks(low, high, 5)) {
      make(svg, "line", {class: "grid", x1: LEFT, x2: W - RIGHT, y1: py(t), y2: py(t)});
      make(svg, "text", {x: LEFT - 6, y: py(t) + 4, "text-anchor": "end"}, short(t));
    }
    for (const t of ticks(first, last, 6)) make(svg, "text", {x: px(t), y: H - BOTTOM + 18, "text-anchor": "middle"}, short(t));
    make(svg, "text", {x: W - RIGHT, y: H - 4, "text-anchor": "end"}, data.x_label);
    const runs = [];
    for (const m of data.marks) {
      if (runs.length && m === runs[runs.length - 1][1] + 1) runs[runs.length - 1][1] = m;
      else runs.push([m, m]);
    }
    for (const [low, high] of runs) {
      const width = Math.max(px(high) - px(low), 2);
      make(svg, "rect", {class: "mark", x: (px(low) + px(high) - width) / 2, y: TOP, width: width, height: H - TOP - BOTTOM});
    }
    data.lines.forEach((line, number) => {
      let path = "", pen = "M";
      line.values.forEach((v, k) => {
        if (v === null) { pen = "M"; return; }
        path += pen + px(data.x[k]).toFixed(1) + " " + py(v).toFixed(1);
        pen = "L";
      });
      make(svg, "path", {d: path, fill: "none", stroke: COLOURS[number % COLOURS.length], "stroke-width": 1.8});
    });
    const cursor = make(svg, "line", {class: "cursor", y1: TOP, y2: H - BOTTOM, visibility: "hidden"});
    function tell(k) {
      keys.replaceChildren();
      data.lines.forEach((line, number) => {
        const entry = document.createElement("span"), swatch = document.createElement("i");
        swatch.style.background = COLOURS[number % COLOURS.length];
        entry.append(swatch, line.name + (k === null ? "" : ": " + short(line.values[k])));
        keys.append(entry);
      });
      if (k !== null) keys.append(data.x_label + " " + data.x[k]);
    }
    svg.addEventListener("pointermove", event => {
      const box = svg.getBoundingClientRect();
      const x = first + ((event.clientX - box.left) / box.width * W - LEFT) / (W - LEFT - RIGHT) * (last - first);
      let best = 0;
      data.x.forEach((v, k) => { if (Math.abs(v - x) < Math.abs(data.x[best] - x)) best = k; });
      cursor.setAttribute("x1", px(data.x[best]));
      cursor.setAttribute("x2", px(data.x[best]));
      cursor.setAttribute("visibility", "visible");
      tell(best);
    });
    svg.addEventListener("pointerleave", () => { cursor.setAttribute("visibility", "hidden"); tell(null); });
    tell(null);
  }
  document.querySelectorAll(".chart").forEach(draw);
})();
"""
