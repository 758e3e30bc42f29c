'use strict';
// Curves: hover, zoom, legend, logarithmic axis, smoothing. Without this script they stand as drawn.
(() => {
  const source = document.getElementById('curves-data');
  if (!source) return;
  const data = JSON.parse(source.textContent);
  const [W, H, LEFT, RIGHT, TOP, BOTTOM] = data.box;
  const NS = 'http://www.w3.org/2000/svg';
  const state = { lo: null, hi: null, off: new Set(), smooth: data.smooth };
  const figures = [...document.querySelectorAll('.chart')];
  const charts = figures.map((figure, n) => ({
    ...data.charts[n], figure, svg: figure.querySelector('svg'), tip: figure.querySelector('.tip'),
    at: null,
  }));
  const say = document.getElementById('curves-live');

  const number = (v) => v === null || v === undefined ? 'not a number'
    : v === 0 ? '0' : Math.abs(v) >= 1e5 || Math.abs(v) < 1e-3 ? v.toExponential(2).replace(/\.?0+e/, 'e') : String(+v.toPrecision(4));
  const steps = (v) => Math.abs(v) >= 1e6 ? +(v / 1e6).toPrecision(4) + 'M'
    : Math.abs(v) >= 1e3 ? +(v / 1e3).toPrecision(4) + 'k' : String(+v.toPrecision(4));

  function ticks(low, high, about) {
    if (!(high > low)) return [low];
    const raw = (high - low) / about, power = 10 ** Math.floor(Math.log10(raw));
    const step = [1, 2, 5, 10].map((f) => f * power).find((s) => s >= raw * 0.999);
    const out = [];
    for (let n = Math.ceil(low / step - 1e-9); n <= Math.floor(high / step + 1e-9); n++) out.push(n * step);
    return out;
  }

  function smoothed(values, weight) {
    if (!weight) return values;
    let total = 0, mass = 0;
    return values.map((v) => {
      if (v === null) return null;
      total = weight * total + (1 - weight) * v;
      mass = weight * mass + 1 - weight;
      return total / mass;
    });
  }

  const element = (name, attributes, text) => {
    const node = document.createElementNS(NS, name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    if (text !== undefined) node.textContent = text;
    return node;
  };
  const look = (run) => `c${run % 8}${run >= 8 ? ' dashed' : ''}`;

  function scale(chart) {
    let x0 = Infinity, x1 = -Infinity, y0 = Infinity, y1 = -Infinity;
    chart.series.forEach((s, run) => {
      if (!s || state.off.has(run)) return;
      s[0].forEach((x, n) => {
        const y = s[1][n];
        if (state.lo !== null && (x < state.lo || x > state.hi)) return;
        x0 = Math.min(x0, x); x1 = Math.max(x1, x);
        if (y === null || (chart.log && y <= 0)) return;
        const v = chart.log ? Math.log10(y) : y;
        y0 = Math.min(y0, v); y1 = Math.max(y1, v);
      });
    });
    if (state.lo !== null) { x0 = state.lo; x1 = state.hi; }
    if (!(y1 >= y0)) return null;
    if (!chart.log && y0 >= 0 && state.lo === null) y0 = 0;
    const room = 0.05 * (y1 - y0) || 0.5 * Math.abs(y1) || 0.5;
    y1 += room;
    if (chart.log || y0) y0 -= room;
    const width = W - LEFT - RIGHT, height = H - TOP - BOTTOM;
    return {
      x0, x1, y0, y1,
      x: (x) => LEFT + (x - x0) / Math.max(x1 - x0, 1e-9) * width,
      y: (y) => H - BOTTOM - ((chart.log ? Math.log10(y) : y) - y0) / (y1 - y0) * height,
      back: (px) => x0 + (px - LEFT) / width * (x1 - x0),
    };
  }

  function draw(chart) {
    const s = chart.scale = scale(chart);
    chart.svg.replaceChildren();
    if (!s) return;
    const add = (...a) => chart.svg.appendChild(element(...a));
    let ys = ticks(s.y0, s.y1, 4);
    if (chart.log) {  // decades; where there are hardly any, round numbers
      ys = [];
      for (let n = Math.ceil(s.y0); n <= Math.floor(s.y1); n++) ys.push(10 ** n);
      if (ys.length < 2) ys = ticks(10 ** s.y0, 10 ** s.y1, 3);
    }
    for (const y of ys) {
      add('line', { class: 'grid', x1: LEFT, x2: W - RIGHT, y1: s.y(y), y2: s.y(y) });
      add('text', { class: 'ty', x: LEFT - 6, y: s.y(y) + 3.5 }, number(+y.toPrecision(3)));
    }
    for (const x of ticks(s.x0, s.x1, 5)) add('text', { class: 'tx', x: s.x(x), y: H - 6 }, steps(x));
    chart.series.forEach((series, run) => {
      if (!series || state.off.has(run)) return;
      const layers = [['line', smoothed(series[1], state.smooth)]];
      if (state.smooth) layers.unshift(['raw', series[1]]);
      for (const [kind, values] of layers) {
        let path = '', pen = 'M';
        values.forEach((y, n) => {
          const x = series[0][n];
          if (y === null || (chart.log && y <= 0) || x < s.x0 || x > s.x1) { pen = 'M'; return; }
          path += `${pen}${s.x(x).toFixed(1)} ${s.y(y).toFixed(1)}`;
          pen = 'L';
        });
        if (path) add('path', { class: `${kind} ${look(run)}`, d: path });
      }
      series[1].forEach((y, n) => {
        const x = series[0][n];
        if (y === null && x >= s.x0 && x <= s.x1) add('text', { class: 'broken', x: s.x(x), y: H - BOTTOM - 3 }, '×');
      });
    });
    chart.cross = add('line', { class: 'cross', y1: TOP, y2: H - BOTTOM, x1: -9, x2: -9 });
    chart.band = add('rect', { class: 'band', y: TOP, height: H - TOP - BOTTOM, x: -9, width: 0 });
  }
  const drawAll = () => { leave(); charts.forEach(draw); };

  const nearest = (xs, x) => {
    let low = 0, high = xs.length - 1;
    while (high - low > 1) { const mid = (low + high) >> 1; if (xs[mid] < x) low = mid; else high = mid; }
    return Math.abs(xs[low] - x) <= Math.abs(xs[high] - x) ? low : high;
  };
  const shownRuns = (chart) => chart.series.map((s, run) => [s, run]).filter(([s, run]) => s && s[0].length && !state.off.has(run));

  function point(chart, x, aloud) {
    if (!chart.scale) return;
    const values = shownRuns(chart).map(([s, run]) => { const n = nearest(s[0], x); return [run, s[0][n], s[1][n]]; });
    if (!values.length) return;
    chart.at = values.reduce((a, b) => Math.abs(b[1] - x) < Math.abs(a[1] - x) ? b : a)[1];
    for (const other of charts) {
      if (!other.scale) continue;
      const inside = chart.at >= other.scale.x0 && chart.at <= other.scale.x1;
      const px = inside ? other.scale.x(chart.at) : -9;
      other.cross.setAttribute('x1', px); other.cross.setAttribute('x2', px);
    }
    const head = document.createElement('b');
    head.textContent = `iteration ${chart.at.toLocaleString('en')}`;
    const rows = values.map(([run, step, value]) => {
      const row = document.createElement('div'), dot = document.createElement('i');
      dot.className = look(run);
      row.append(dot, `${data.runs[run]}: ${number(value)}${step === chart.at ? '' : ` (at ${step})`}`);
      return row;
    });
    chart.tip.replaceChildren(head, ...rows);
    chart.tip.hidden = false;
    const share = (chart.scale.x(chart.at) / W);
    chart.tip.style.left = share < 0.5 ? `calc(${100 * share}% + 10px)` : 'auto';
    chart.tip.style.right = share < 0.5 ? 'auto' : `calc(${100 - 100 * share}% + 10px)`;
    if (aloud) say.textContent = `${chart.name}, ${chart.tip.innerText}`;
  }
  function leave() {
    for (const chart of charts) {
      chart.tip.hidden = true;
      for (const end of ['x1', 'x2']) chart.cross?.setAttribute(end, -9);
    }
  }
  function zoom(lo, hi) {
    [state.lo, state.hi] = lo === null ? [null, null] : [Math.min(lo, hi), Math.max(lo, hi)];
    document.getElementById('reset').disabled = lo === null;
    drawAll();
  }

  for (const chart of charts) {
    const { svg } = chart;
    let from = null;
    const place = (event) => {
      const box = svg.getBoundingClientRect();
      const px = (event.clientX - box.left) / box.width * W;
      return Math.min(W - RIGHT, Math.max(LEFT, px));
    };
    svg.addEventListener('pointerdown', (event) => {
      if (!chart.scale || event.pointerType === 'touch') return;
      from = place(event);
      try { svg.setPointerCapture(event.pointerId); } catch { /* made by a script */ }
    });
    svg.addEventListener('pointermove', (event) => {
      if (!chart.scale) return;
      const px = place(event);
      if (from !== null) {
        chart.band.setAttribute('x', Math.min(from, px));
        chart.band.setAttribute('width', Math.abs(px - from));
      }
      point(chart, chart.scale.back(px), false);
    });
    svg.addEventListener('pointerup', (event) => {
      const start = from, px = place(event);
      from = null;
      if (start !== null && Math.abs(px - start) > 6) zoom(chart.scale.back(start), chart.scale.back(px));
    });
    svg.addEventListener('pointercancel', () => { from = null; });
    svg.addEventListener('pointerleave', () => { if (from === null) leave(); });
    svg.addEventListener('dblclick', () => zoom(null));
    svg.addEventListener('blur', leave);
    svg.addEventListener('keydown', (event) => {
      const runs = shownRuns(chart), s = chart.scale;
      if (!s || !runs.length) return;
      const xs = [...new Set(runs.flatMap(([series]) => series[0]))].filter((x) => x >= s.x0 && x <= s.x1).sort((a, b) => a - b);
      const here = chart.at === null ? -1 : nearest(xs, chart.at), middle = chart.at ?? (s.x0 + s.x1) / 2;
      const goes = { ArrowRight: here + 1, ArrowLeft: here - 1, Home: 0, End: xs.length - 1 };
      if (event.key in goes) point(chart, xs[Math.max(0, Math.min(xs.length - 1, goes[event.key]))], true);
      else if (event.key === '+' || event.key === '=') zoom(middle - (middle - s.x0) / 2, middle + (s.x1 - middle) / 2);
      else if (event.key === '-' || event.key === '0' || event.key === 'Escape') zoom(null);
      else return;
      event.preventDefault();
    });
    chart.figure.querySelector('.log')?.addEventListener('click', (event) => {
      chart.log = !chart.log;
      event.currentTarget.setAttribute('aria-pressed', chart.log);
      leave(); draw(chart);
    });
  }
  document.querySelectorAll('#legend input').forEach((box, run) => {
    box.addEventListener('change', () => {
      if (box.checked) state.off.delete(run); else state.off.add(run);
      drawAll();
    });
  });
  document.getElementById('smooth').addEventListener('input', (event) => {
    state.smooth = +event.target.value;
    drawAll();
  });
  document.getElementById('reset').addEventListener('click', () => zoom(null));
  drawAll();
})();
