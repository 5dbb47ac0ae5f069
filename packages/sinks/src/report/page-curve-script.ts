/** Script of the page: theme switch, and reading values off the curves by pointer or arrow keys. */
export const curveScript = String.raw`
(() => {
  "use strict";
  const root = document.documentElement;
  document.getElementById("theme").addEventListener("click", () => {
    const isDark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = isDark ? "light" : "dark";
    dispatchEvent(new Event("themechange"));
  });

  for (const svg of document.querySelectorAll("svg.curve:not(.series)")) {
    const dots = [...svg.querySelectorAll("circle")];
    const reading = svg.parentElement.querySelector(".reading");
    let current = -1;
    const show = (index) => {
      if (current >= 0) dots[current].classList.remove("current");
      current = index;
      if (index < 0) {
        reading.textContent = "\u00a0";
        return;
      }
      dots[index].classList.add("current");
      reading.textContent = "k = " + dots[index].dataset.k + ": " + svg.dataset.measure + " " + dots[index].dataset.value;
    };
    svg.addEventListener("pointermove", (event) => {
      const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse()).x;
      const distances = dots.map((dot) => Math.abs(dot.cx.baseVal.value - at));
      show(distances.indexOf(Math.min(...distances)));
    });
    svg.addEventListener("pointerleave", () => show(-1));
    svg.addEventListener("blur", () => show(-1));
    svg.addEventListener("keydown", (event) => {
      const move = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (move === undefined) return;
      event.preventDefault();
      show(Math.min(dots.length - 1, Math.max(0, current + move)));
    });
  }
})();
`;
