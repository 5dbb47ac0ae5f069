/** Style of the page. Every colour is a variable with a light and a dark value, which the map's script reads too. */
export const style = String.raw`
:root {
  color-scheme: light dark;
  --paper: light-dark(#ffffff, #11171e);
  --panel: light-dark(#f6f8fa, #18202a);
  --text: light-dark(#1c2733, #e4eaf0);
  --muted: light-dark(#55626f, #9aa8b6);
  --rule: light-dark(#d9dfe5, #2c3743);
  --ocean: light-dark(#eef3f7, #151d27);
  --land: light-dark(#dfe3e0, #28323c);
  --coast: light-dark(#9aa5ab, #566370);
  --border: light-dark(#c3cac8, #3a4652);
  --graticule: light-dark(#d3dde5, #222d39);
  --accent: light-dark(#1f5fbf, #7db2ff);
  --knee: light-dark(#b4500a, #ffa45c);
  --halo: light-dark(rgb(255 255 255 / .9), rgb(10 15 20 / .85));
}
:root[data-theme="light"] { color-scheme: light; }
:root[data-theme="dark"] { color-scheme: dark; }
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 1.5rem clamp(1rem, 3vw, 2.5rem) 3rem; max-width: 84rem;
  background: var(--paper); color: var(--text);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif;
}
header { display: flex; justify-content: space-between; align-items: flex-start; gap: 1rem; }
h1 { margin: 0; font-size: clamp(1.5rem, 4vw, 2.2rem); line-height: 1.2; overflow-wrap: anywhere; }
h2 { margin: 2.5rem 0 .75rem; font-size: 1.3rem; }
h3 { margin: 0 0 .25rem; font-size: 1rem; }
header p, figcaption, footer, .axis-title { color: var(--muted); }
header p { margin: .35rem 0 0; }
figure { margin: 0; min-width: 0; }
figcaption, footer, .axis-title { font-size: .875rem; }
figcaption { margin-top: .5rem; }
a { color: var(--accent); }
button {
  font: inherit; color: inherit; background: var(--panel); border: 1px solid var(--rule);
  border-radius: .4rem; cursor: pointer;
}
button:hover { border-color: var(--muted); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
#theme { width: 2.5rem; height: 2.5rem; flex: none; font-size: 1.2rem; line-height: 1; }
.map-layout { display: grid; grid-template-columns: minmax(0, 1fr) 15rem; gap: 1.5rem; align-items: start; }
.map { position: relative; border: 1px solid var(--rule); border-radius: .5rem; overflow: hidden; background: var(--ocean); }
.map canvas { display: block; width: 100%; cursor: grab; touch-action: pan-y; }
.map canvas:active { cursor: grabbing; }
.map canvas:focus-visible { outline-offset: -3px; }
.zoom { position: absolute; top: .6rem; right: .6rem; display: grid; gap: .3rem; }
.zoom button { width: 2.2rem; height: 2.2rem; font-size: 1.15rem; line-height: 1; }
.tooltip {
  position: absolute; pointer-events: none; padding: .4rem .6rem; max-width: 16rem; white-space: pre-line;
  background: var(--paper); border: 1px solid var(--rule); border-radius: .4rem; font-size: .85rem; line-height: 1.4;
  box-shadow: 0 2px 10px rgb(0 0 0 / .18); font-variant-numeric: tabular-nums;
}
.ring { position: absolute; width: 16px; height: 16px; margin: -8px; border: 2px solid var(--text); border-radius: 50%; pointer-events: none; }
.time { display: flex; align-items: center; gap: .75rem; margin-top: .6rem; }
.time[hidden] { display: none; }
.time button { width: 2.4rem; height: 2.2rem; }
.time input { flex: 1; min-width: 4rem; accent-color: var(--accent); }
.time output { min-width: 17rem; font-size: .9rem; font-variant-numeric: tabular-nums; }
aside h3 { display: flex; justify-content: space-between; padding: 0 .5rem; font-size: .875rem; }
aside h3 span { color: var(--muted); font-weight: 400; }
.legend { list-style: none; margin: 0; padding: 0; max-height: 52rem; overflow-y: auto; }
.legend button {
  display: grid; grid-template-columns: 1.1rem 1fr 4rem minmax(3rem, auto); align-items: center; gap: .6rem;
  width: 100%; padding: .12rem .5rem; border-color: transparent; background: none; text-align: left;
}
.legend button:hover, .legend button[aria-pressed="true"] { background: var(--panel); border-color: var(--rule); }
.legend .size { text-align: right; font-variant-numeric: tabular-nums; }
.bar { height: .5rem; border-radius: .25rem; background: var(--rule); overflow: hidden; }
.bar i { display: block; height: 100%; }
.swatch { width: 1rem; height: 1rem; vertical-align: -.15em; }
.curves { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); gap: 2rem; }
.axis-title { margin: 0 0 .25rem; }
.curve { display: block; width: 100%; height: auto; font-size: 13px; }
.curve text { fill: var(--muted); font-variant-numeric: tabular-nums; }
.curve .rule { stroke: var(--rule); }
.curve .line { fill: none; stroke: var(--text); stroke-width: 2; stroke-linejoin: round; }
.curve circle { fill: var(--text); stroke: var(--paper); stroke-width: 1.5; }
.curve circle.best { fill: var(--accent); }
.curve circle.knee { fill: var(--knee); }
.curve circle.used { fill: var(--muted); }
.curve circle.current { stroke: var(--accent); stroke-width: 3; }
.landmark text { font-weight: 600; paint-order: stroke; stroke: var(--paper); stroke-width: 4px; }
.landmark line { stroke-width: 1.5; }
.landmark.best line { stroke: var(--accent); }
.landmark.best text { fill: var(--accent); }
.landmark.knee line { stroke: var(--knee); stroke-dasharray: 6 4; }
.landmark.knee text { fill: var(--knee); }
.landmark.used line { stroke: var(--muted); stroke-dasharray: 2 4; }
.series .samples { fill: none; stroke: var(--coast); stroke-width: 1; stroke-linejoin: round; }
.series .means { fill: none; stroke: var(--accent); stroke-width: 2.5; stroke-linejoin: round; stroke-linecap: round; }
.series circle[hidden] { display: none; }
.series-choice select { font: inherit; color: inherit; background: var(--panel); border: 1px solid var(--rule); border-radius: .4rem; padding: .25rem .5rem; }
.series-choice .note { color: var(--muted); font-size: .875rem; margin-left: .5rem; }
.reading { margin: .25rem 0 0; min-height: 1.5em; font-size: .9rem; font-variant-numeric: tabular-nums; }
details { margin-top: 1rem; }
summary { cursor: pointer; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .35rem 1.1rem .35rem 0; border-bottom: 1px solid var(--rule); text-align: right; white-space: nowrap; }
thead th { color: var(--muted); font-size: .875rem; font-weight: 600; }
th:first-child, .text { text-align: left; }
.empty { margin-top: 2.5rem; padding: 3rem 1.5rem; text-align: center; background: var(--panel); border: 1px solid var(--rule); border-radius: .5rem; }
.empty h2 { margin: 0; }
footer { margin-top: 3rem; padding-top: 1rem; border-top: 1px solid var(--rule); }
footer p { margin: .25rem 0; }
@media (max-width: 50rem) {
  .map-layout { grid-template-columns: 1fr; }
  .legend { display: grid; grid-template-columns: repeat(auto-fill, minmax(10rem, 1fr)); max-height: none; }
  .legend .bar { display: none; }
  .legend button { grid-template-columns: 1.1rem 1fr auto; }
  .curve { font-size: 18px; }
  th, td { padding-right: .6rem; }
  th { white-space: normal; }
  .time { flex-wrap: wrap; }
  .time output { order: 3; min-width: 100%; }
}
@media print { #theme, .zoom, .time, #map-help { display: none; } }
`;
