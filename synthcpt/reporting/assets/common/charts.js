/* Tooltips of charts: the nearest mark to the pointer, or, with a chart focused, the next one by the arrow keys. */
(() => {
  "use strict";
  const SVG = "http://www.w3.org/2000/svg";
  const NEAR = 48; // units of the picture
  let tip = null, ring = null, shown = null, at = -1;

  const marksOf = (svg) => {
    if (!svg.chartMarks) svg.chartMarks = JSON.parse(svg.dataset.marks || "[]");
    return svg.chartMarks;
  };

  const ready = () => {
    if (tip && tip.isConnected) return;
    tip = document.createElement("div");
    tip.className = "chart-tip";
    tip.setAttribute("role", "status");
    tip.hidden = true;
    document.body.append(tip);
  };

  const cover = () => { // out of sight, but the arrow keys go on from here
    if (tip) tip.hidden = true;
    if (ring) ring.remove();
  };
  const hide = () => {
    cover();
    shown = null;
    at = -1;
  };

  const show = (svg, index) => {
    ready();
    const [x, y, said] = marksOf(svg)[index];
    if (shown === svg && at === index && !tip.hidden) return;
    shown = svg;
    at = index;
    if (!ring) {
      ring = document.createElementNS(SVG, "circle");
      for (const [name, value] of [["r", 7], ["fill", "none"], ["stroke", "var(--ink)"], ["stroke-width", 1.5],
        ["aria-hidden", "true"], ["pointer-events", "none"]]) ring.setAttribute(name, value);
    }
    ring.setAttribute("cx", x);
    ring.setAttribute("cy", y);
    svg.append(ring);
    tip.textContent = said;
    tip.hidden = false;
    const place = new DOMPoint(x, y).matrixTransform(svg.getScreenCTM());
    const box = tip.getBoundingClientRect();
    const left = Math.min(Math.max(6, place.x - box.width / 2), window.innerWidth - box.width - 6);
    const above = place.y - box.height - 14;
    tip.style.left = `${left}px`;
    tip.style.top = `${above > 6 ? above : place.y + 14}px`;
  };

  const chartOf = (target) => (target instanceof Element ? target.closest("svg[data-marks]") : null);

  const nearest = (event) => {
    const svg = chartOf(event.target);
    if (!svg) return hide();
    const place = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
    let best = -1, least = NEAR * NEAR;
    marksOf(svg).forEach(([x, y], i) => {
      const away = (x - place.x) ** 2 + (y - place.y) ** 2;
      if (away < least) { least = away; best = i; }
    });
    if (best < 0) return hide();
    show(svg, best);
  };

  document.addEventListener("pointermove", nearest);
  document.addEventListener("pointerdown", nearest);
  document.addEventListener("scroll", cover, { passive: true, capture: true });
  document.addEventListener("focusout", (event) => { if (chartOf(event.target)) hide(); });
  document.addEventListener("keydown", (event) => {
    const svg = chartOf(event.target);
    if (!svg) return;
    const count = marksOf(svg).length;
    const steps = { ArrowRight: at + 1, ArrowDown: at + 1, ArrowLeft: at - 1, ArrowUp: at - 1, Home: 0, End: count - 1 };
    if (event.key === "Escape") return hide();
    if (!(event.key in steps)) return;
    event.preventDefault();
    show(svg, (shown === svg || event.key === "Home" || event.key === "End")
      ? Math.min(count - 1, Math.max(0, steps[event.key])) : 0);
  });

  /* Buttons that copy what lies in a hidden element: data-copy names its id. */
  document.addEventListener("click", async (event) => {
    const button = event.target instanceof Element ? event.target.closest("button[data-copy]") : null;
    if (!button) return;
    const from = document.getElementById(button.dataset.copy);
    const said = button.textContent;
    try {
      await navigator.clipboard.writeText(from.textContent);
      button.textContent = "Copied";
      button.dataset.done = "copied";
    } catch {
      const range = document.createRange();
      from.hidden = false;
      range.selectNodeContents(from);
      getSelection().removeAllRanges();
      getSelection().addRange(range);
      button.textContent = "Selected: press Ctrl-C";
      button.dataset.done = "selected";
    }
    setTimeout(() => { button.textContent = said; }, 1600);
  });
})();
