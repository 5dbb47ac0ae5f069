/** Script of the page: draws the lines of the chosen name, and reads values off them by pointer or arrow keys. */
export const seriesScript = String.raw`
(() => {
  "use strict";
  const data = JSON.parse(document.getElementById("series-data").textContent);
  const { area, origin, seconds } = data;
  const floats = (text) => new Float32Array(Uint8Array.from(atob(text), (byte) => byte.charCodeAt(0)).buffer);
  const unpacked = (line) => line && { times: floats(line.times), values: line.values.map(floats) };
  const panels = [...document.querySelectorAll("svg.series")];
  const scales = panels.map(({ dataset }) => {
    const low = Number(dataset.low);
    const high = Number(dataset.high);
    return (value) => area.bottom - ((value - low) / (high - low)) * (area.bottom - area.top);
  });
  const current = panels.map(() => -1);
  const choice = document.getElementById("series-name");
  const x = (time) => area.left + (time / seconds) * (area.right - area.left);
  let shown;

  const draw = () => {
    const { samples, means } = data.lines[choice ? Number(choice.value) : 0] ?? {};
    shown = { samples: unpacked(samples), means: unpacked(means) };
    for (const [index, svg] of panels.entries()) {
      for (const kind of ["samples", "means"]) {
        const line = shown[kind];
        let path = "";
        if (line) {
          line.times.forEach((time, at) => {
            const value = line.values[index][at];
            if (!Number.isNaN(value)) path += (path ? "L" : "M") + x(time).toFixed(1) + " " + scales[index](value).toFixed(1);
          });
        }
        // A line of one point is a dot.
        svg.querySelector("." + kind).setAttribute("d", path && path + "h0");
      }
      read(svg, index, -1);
    }
  };

  const nearest = (times, time) => {
    let best = 0;
    times.forEach((candidate, at) => {
      if (Math.abs(candidate - time) < Math.abs(times[best] - time)) best = at;
    });
    return best;
  };

  const read = (svg, index, at) => {
    const dot = svg.querySelector("circle");
    const reading = svg.parentElement.querySelector(".reading");
    const line = shown.samples;
    current[index] = at;
    const value = at < 0 || !line ? NaN : line.values[index][at];
    dot.toggleAttribute("hidden", Number.isNaN(value));
    reading.textContent = "\u00a0";
    if (Number.isNaN(value)) return;
    dot.setAttribute("cx", x(line.times[at]));
    dot.setAttribute("cy", scales[index](value));
    const time = new Date(origin + line.times[at] * 1000).toISOString().slice(11, 21);
    const mean = shown.means ? shown.means.values[index][nearest(shown.means.times, line.times[at])] : NaN;
    const number = (shownValue) => String(Number(shownValue.toPrecision(5)));
    reading.textContent = time + " UTC: " + number(value) + (Number.isNaN(mean) ? "" : ", mean " + number(mean));
  };

  for (const [index, svg] of panels.entries()) {
    svg.addEventListener("pointermove", (event) => {
      if (!shown.samples) return;
      const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse()).x;
      const time = ((at - area.left) / (area.right - area.left)) * seconds;
      read(svg, index, nearest(shown.samples.times, time));
    });
    svg.addEventListener("pointerleave", () => read(svg, index, -1));
    svg.addEventListener("blur", () => read(svg, index, -1));
    svg.addEventListener("keydown", (event) => {
      const move = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (move === undefined || !shown.samples) return;
      event.preventDefault();
      read(svg, index, Math.min(shown.samples.times.length - 1, Math.max(0, current[index] + move)));
    });
  }
  choice?.addEventListener("change", draw);
  draw();
})();
`;
