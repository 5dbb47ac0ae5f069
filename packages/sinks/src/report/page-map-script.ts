/**
 * Script of the page: the map. It reads `PageData`, draws on a canvas in the page's colours, and answers to pointer,
 * wheel, keys, legend and time slider. Plane coordinates are those of `MapProjection`.
 */
export const mapScript = String.raw`
(() => {
  "use strict";
  const data = JSON.parse(document.getElementById("report-data").textContent);
  const element = (id) => document.getElementById(id);
  const canvas = element("map-canvas");
  const context = canvas.getContext("2d");
  const bytes = (text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0)).buffer;
  const offsets = new Uint32Array(bytes(data.offsets));
  const longitudes = new Float32Array(bytes(data.longitudes));
  const latitudes = new Float32Array(bytes(data.latitudes));
  const times = data.time && new Uint32Array(bytes(data.time.values));
  const noTime = 0xffffffff;
  const land = new Path2D(data.geography.land);
  const borders = new Path2D(data.geography.borders);
  const wrap = (longitude) => longitude - 360 * Math.floor((longitude + 180) / 360);
  const planeX = (longitude) => wrap(longitude - data.centralLongitude) * data.stretch;
  const xs = longitudes.map(planeX);

  const state = { scale: 1, left: 0, top: 0, width: 0, height: 0, solo: -1, preview: -1, step: -1 };
  let fitScale = 1;
  let frameRequest = 0;
  const redraw = () => (frameRequest ||= requestAnimationFrame(draw));

  // Colours are CSS variables with light and dark values; only a real property resolves them.
  const probe = document.body.appendChild(document.createElement("i"));
  probe.hidden = true;
  const colour = (name) => {
    probe.style.color = "var(--" + name + ")";
    return getComputedStyle(probe).color;
  };

  const screenX = (x) => x * state.scale + state.left;
  const screenY = (y) => y * state.scale + state.top;

  function fit() {
    const { x0, y0, x1, y1 } = data.view;
    fitScale = state.scale = Math.min(state.width / (x1 - x0), state.height / (y1 - y0));
    state.left = state.width / 2 - ((x0 + x1) / 2) * state.scale;
    state.top = state.height / 2 - ((y0 + y1) / 2) * state.scale;
    redraw();
  }

  function keepInside() {
    const { x0, y0, x1, y1 } = data.geography.covered;
    const clamp = (offset, low, high, size) => {
      const least = size / 2 - high * state.scale;
      const most = size / 2 - low * state.scale;
      return Math.min(most, Math.max(least, offset));
    };
    state.left = clamp(state.left, x0, x1, state.width);
    state.top = clamp(state.top, y0, y1, state.height);
  }

  function zoom(factor, x = state.width / 2, y = state.height / 2) {
    const scale = Math.min(fitScale * 300, Math.max(fitScale / 4, state.scale * factor));
    const real = scale / state.scale;
    state.left = x - (x - state.left) * real;
    state.top = y - (y - state.top) * real;
    state.scale = scale;
    keepInside();
    redraw();
  }

  function pan(dx, dy) {
    state.left += dx;
    state.top += dy;
    keepInside();
    redraw();
  }

  function resize() {
    const box = element("map").getBoundingClientRect();
    const ratio = (data.view.y1 - data.view.y0) / (data.view.x1 - data.view.x0);
    const before = state.width;
    state.width = box.width;
    state.height = Math.max(260, Math.min(box.width * ratio, innerHeight * 0.85));
    canvas.style.height = state.height + "px";
    canvas.width = Math.round(state.width * devicePixelRatio);
    canvas.height = Math.round(state.height * devicePixelRatio);
    if (before !== state.width) fit();
    redraw();
  }

  function draw() {
    frameRequest = 0;
    context.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
    context.fillStyle = colour("paper");
    context.fillRect(0, 0, state.width, state.height);
    drawGround();
    drawGraticule();
    drawPoints();
    drawLabels();
  }

  function drawGround() {
    const { x0, y0, x1, y1 } = data.geography.covered;
    const { scale } = state;
    context.save();
    context.translate(state.left, state.top);
    context.scale(scale, scale);
    context.fillStyle = colour("ocean");
    context.fillRect(x0, y0, x1 - x0, y1 - y0);
    context.fillStyle = colour("land");
    context.fill(land);
    context.lineJoin = "round";
    context.lineWidth = 0.8 / scale;
    context.strokeStyle = colour("border");
    context.stroke(borders);
    context.strokeStyle = colour("coast");
    context.stroke(land);
    context.restore();
  }

  function drawGraticule() {
    const degrees = state.height / state.scale;
    const step = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30].find((candidate) => degrees / candidate <= 6) ?? 60;
    const digits = step < 1 ? 1 : 0;
    context.strokeStyle = colour("graticule");
    context.fillStyle = colour("muted");
    context.lineWidth = 1;
    context.font = "12px system-ui, sans-serif";
    context.beginPath();
    context.textAlign = "left";
    context.textBaseline = "bottom";
    for (let i = Math.ceil(-90 / step); i * step <= 90; i++) {
      const y = screenY(-i * step);
      context.moveTo(0, y);
      context.lineTo(state.width, y);
      if (y > 14 && y < state.height - 24) context.fillText(latitudeText(i * step, digits), 6, y - 2);
    }
    const west = data.centralLongitude - 180;
    for (let i = Math.ceil(west / step); i * step <= west + 360; i++) {
      const x = screenX((i * step - data.centralLongitude) * data.stretch);
      context.moveTo(x, 0);
      context.lineTo(x, state.height);
      if (x > 40 && x < state.width - 40) context.fillText(longitudeText(wrap(i * step), digits), x + 4, state.height - 4);
    }
    context.stroke();
  }

  const radius = () => {
    const rest = Math.min(5, Math.max(1.6, 6.2 - 1.05 * Math.log10(longitudes.length)));
    return Math.min(8, rest * (state.scale / fitScale) ** 0.25);
  };

  function sprite(cluster, size) {
    const side = Math.ceil(size * 2.4 + 3);
    const picture = document.createElement("canvas");
    picture.width = picture.height = side * devicePixelRatio;
    const pen = picture.getContext("2d");
    pen.scale(devicePixelRatio, devicePixelRatio);
    pen.translate(side / 2, side / 2);
    pen.beginPath();
    if (cluster.shape === "square") pen.rect(-size * 0.9, -size * 0.9, size * 1.8, size * 1.8);
    else if (cluster.shape === "diamond") {
      const reach = size * 1.2;
      for (const [x, y] of [[0, -reach], [reach, 0], [0, reach], [-reach, 0]]) pen.lineTo(x, y);
      pen.closePath();
    } else pen.arc(0, 0, size, 0, 7);
    const isRing = cluster.shape === "ring";
    pen.fillStyle = isRing ? colour("paper") : cluster.colour;
    pen.fill();
    pen.strokeStyle = isRing ? cluster.colour : colour("halo");
    pen.lineWidth = isRing ? Math.max(1, size / 2) : 0.6;
    if (isRing || size > 2.4) pen.stroke();
    return { picture, side };
  }

  const focus = () => (state.preview >= 0 ? state.preview : state.solo);

  /** Calls back for every point that is on the canvas and in the chosen stretch of time. */
  function eachPoint(cluster, callback) {
    const step = data.steps[state.step];
    const from = step && (step.from - data.time.origin) / data.time.unit;
    const to = step && (step.to - data.time.origin) / data.time.unit;
    for (let index = offsets[cluster]; index < offsets[cluster + 1]; index++) {
      if (step && !(times[index] >= from && times[index] < to && times[index] !== noTime)) continue;
      const x = screenX(xs[index]);
      const y = screenY(-latitudes[index]);
      if (x > -10 && y > -10 && x < state.width + 10 && y < state.height + 10) callback(index, x, y);
    }
  }

  function drawPoints() {
    const size = radius();
    const order = data.clusters.map((_, index) => index).reverse();
    const solo = focus();
    if (solo >= 0) order.push(...order.splice(order.indexOf(solo), 1));
    for (const index of order) {
      const { picture, side } = sprite(data.clusters[index], size);
      context.globalAlpha = solo >= 0 && solo !== index ? 0.1 : longitudes.length > 10000 ? 0.8 : 0.9;
      eachPoint(index, (_, x, y) => context.drawImage(picture, x - side / 2, y - side / 2, side, side));
    }
    context.globalAlpha = 1;
  }

  function drawLabels() {
    const taken = [];
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.font = "600 14px system-ui, sans-serif";
    context.lineJoin = "round";
    context.lineWidth = 4;
    context.strokeStyle = colour("halo");
    context.fillStyle = colour("text");
    const solo = focus();
    const bySize = data.clusters.map((cluster, index) => ({ ...cluster, index })).sort((a, b) => b.size - a.size);
    for (const cluster of bySize) {
      if (cluster.label === null || (solo >= 0 && solo !== cluster.index)) continue;
      const x = screenX(planeX(cluster.longitude));
      const y = screenY(-cluster.latitude) - (cluster.size < 5 ? 14 : 0);
      if (taken.some((other) => Math.abs(other.x - x) < 20 && Math.abs(other.y - y) < 16)) continue;
      taken.push({ x, y });
      context.strokeText(cluster.label, x, y);
      context.fillText(cluster.label, x, y);
    }
  }

  const degreesText = (value, digits, letters) => {
    const shown = Math.abs(value).toFixed(digits);
    return shown + "°" + (Number(shown) === 0 || (letters === "EW" && Number(shown) === 180) ? "" : " " + letters[value < 0 ? 1 : 0]);
  };
  const longitudeText = (value, digits) => degreesText(value, digits, "EW");
  const latitudeText = (value, digits) => degreesText(value, digits, "NS");
  const timeText = (milliseconds, withSeconds) =>
    new Date(milliseconds).toLocaleString("en-GB", {
      timeZone: "UTC", day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit",
      ...(withSeconds ? { second: "2-digit" } : {}),
    }) + " UTC";

  function point(event) {
    const box = canvas.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }

  function showNearest(at) {
    let best = { distance: 14 };
    for (const [cluster] of data.clusters.entries()) {
      if (focus() >= 0 && focus() !== cluster) continue;
      eachPoint(cluster, (index, x, y) => {
        const distance = Math.hypot(x - at.x, y - at.y);
        if (distance < best.distance) best = { distance, index, cluster, x, y };
      });
    }
    const isFound = best.index !== undefined;
    element("map-ring").hidden = element("map-tooltip").hidden = !isFound;
    if (!isFound) return;
    const { label, size } = data.clusters[best.cluster];
    const lines = [
      label === null ? "No cluster" : "Cluster " + label + " (" + size.toLocaleString("en-GB") + (size === 1 ? " point)" : " points)"),
      latitudeText(latitudes[best.index], 3) + ", " + longitudeText(longitudes[best.index], 3),
    ];
    if (times && times[best.index] !== noTime) lines.push(timeText(data.time.origin + times[best.index] * data.time.unit, true));
    const tooltip = element("map-tooltip");
    tooltip.textContent = lines.join("\n");
    const isLeft = best.x > state.width / 2;
    tooltip.style.left = isLeft ? "" : best.x + 14 + "px";
    tooltip.style.right = isLeft ? state.width - best.x + 14 + "px" : "";
    tooltip.style.top = Math.min(best.y + 10, state.height - 90) + "px";
    element("map-ring").style.left = best.x + "px";
    element("map-ring").style.top = best.y + "px";
  }

  function hideNearest() {
    element("map-ring").hidden = element("map-tooltip").hidden = true;
  }

  function listenToPointers() {
    const pointers = new Map();
    canvas.addEventListener("pointerdown", (event) => {
      pointers.set(event.pointerId, point(event));
      canvas.setPointerCapture(event.pointerId);
    });
    canvas.addEventListener("pointermove", (event) => {
      const at = point(event);
      const before = pointers.get(event.pointerId);
      if (before === undefined) {
        showNearest(at);
        return;
      }
      hideNearest();
      pointers.set(event.pointerId, at);
      const other = [...pointers].find(([id]) => id !== event.pointerId)?.[1];
      if (other === undefined) pan(at.x - before.x, at.y - before.y);
      else {
        const length = (from) => Math.hypot(from.x - other.x, from.y - other.y) || 1;
        zoom(length(at) / length(before), (at.x + other.x) / 2, (at.y + other.y) / 2);
      }
    });
    const release = (event) => pointers.delete(event.pointerId);
    canvas.addEventListener("pointerup", (event) => {
      release(event);
      showNearest(point(event));
    });
    canvas.addEventListener("pointercancel", release);
    canvas.addEventListener("pointerleave", hideNearest);
    canvas.addEventListener("dblclick", (event) => zoom(2, point(event).x, point(event).y));
    canvas.addEventListener("wheel", (event) => {
      // A page must scroll past the map: the wheel zooms only for those who asked.
      if (!event.ctrlKey && document.activeElement !== canvas) return;
      event.preventDefault();
      zoom(2 ** (-event.deltaY / 240), point(event).x, point(event).y);
      hideNearest();
    }, { passive: false });
  }

  function listenToKeys() {
    const actions = {
      ArrowLeft: () => pan(60, 0), ArrowRight: () => pan(-60, 0), ArrowUp: () => pan(0, 60), ArrowDown: () => pan(0, -60),
      "+": () => zoom(1.5), "=": () => zoom(1.5), "-": () => zoom(1 / 1.5), 0: fit,
    };
    canvas.addEventListener("keydown", (event) => {
      const action = actions[event.key];
      if (action === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      hideNearest();
      action();
    });
    element("zoom-in").addEventListener("click", () => zoom(1.6));
    element("zoom-out").addEventListener("click", () => zoom(1 / 1.6));
    element("zoom-fit").addEventListener("click", fit);
  }

  function listenToLegend() {
    const buttons = [...document.querySelectorAll("[data-cluster]")];
    for (const [index, button] of buttons.entries()) {
      const preview = (value) => () => {
        state.preview = value;
        redraw();
      };
      button.addEventListener("pointerenter", preview(index));
      button.addEventListener("pointerleave", preview(-1));
      button.addEventListener("focus", preview(index));
      button.addEventListener("blur", preview(-1));
      button.addEventListener("click", () => {
        state.solo = state.solo === index ? -1 : index;
        for (const [other, each] of buttons.entries()) each.setAttribute("aria-pressed", String(other === state.solo));
        redraw();
      });
    }
  }

  function listenToTime() {
    if (data.steps.length === 0) return;
    const slider = element("time-step");
    const play = element("time-play");
    let timer = 0;
    element("time").hidden = false;
    slider.max = data.steps.length;
    const show = (value) => {
      slider.value = value;
      state.step = value - 1;
      const step = data.steps[state.step];
      const end = step && step.to - step.from > 3600000 ? " to " + timeText(step.to) : "";
      const text = step
        ? timeText(step.from) + end + " · " + step.rowCount.toLocaleString("en-GB") + (step.rowCount === 1 ? " point" : " points")
        : "All times";
      element("time-text").textContent = text;
      slider.setAttribute("aria-valuetext", text);
      hideNearest();
      redraw();
    };
    const stop = () => {
      clearInterval(timer);
      timer = 0;
      play.textContent = "▶";
      play.setAttribute("aria-label", "Play over time");
    };
    slider.addEventListener("input", () => {
      stop();
      show(Number(slider.value));
    });
    play.addEventListener("click", () => {
      if (timer !== 0) {
        stop();
        return;
      }
      play.textContent = "❚❚";
      play.setAttribute("aria-label", "Pause");
      const next = () => show((state.step + 1) % data.steps.length + 1);
      next();
      timer = setInterval(next, 900);
    });
    show(0);
  }

  listenToPointers();
  listenToKeys();
  listenToLegend();
  listenToTime();
  new ResizeObserver(resize).observe(element("map"));
  addEventListener("themechange", redraw);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  resize();
})();
`;
