/** The page's style sheet: a calm page of print, in light and dark, on any width and on paper. */
export const STYLE = /* css */ `
:root {
  color-scheme: light dark;
  --paper: #fdfcfa; --panel: #f6f4ef; --ink: #22242a; --muted: #686b73; --rule: #e2dfd8; --grid: #edeae4;
  --training: #2b6ca8; --validation: #c2571b; --good: #2f7d4f; --warn: #9a6700; --bad: #b3372c;
  --serif: Charter, "Bitstream Charter", "Iowan Old Style", "Source Serif 4", Georgia, "DejaVu Serif", serif;
  --sans: system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", "DejaVu Sans", sans-serif;
  --mono: ui-monospace, "SF Mono", "Cascadia Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #15171b; --panel: #1c1f24; --ink: #e4e2dc; --muted: #9a9ca3; --rule: #32353c; --grid: #24272d;
    --training: #6fb1ec; --validation: #f0955a; --good: #6cc08b; --warn: #dcb04f; --bad: #f0837a;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.6 var(--sans); }
main { max-width: 58rem; margin: 0 auto; padding: 4rem 2rem 3rem; }
h1 { font: 600 2.5rem/1.15 var(--serif); margin: .25rem 0 1rem; letter-spacing: -.01em; overflow-wrap: anywhere; }
h2 { font: 600 1.3rem/1.3 var(--serif); margin: 0 0 1rem; }
h3 { font: 600 .95rem/1.4 var(--sans); margin: 0 0 .6rem; }
p { margin: 0 0 1rem; }
section { margin-top: 3.5rem; }
.over { color: var(--muted); font-size: .85rem; margin: 0; }
.status { font-weight: 600; }
.status.finished { color: var(--good); } .status.stopped { color: var(--warn); } .status.diverged { color: var(--bad); }
.abstract { font: 1.12rem/1.65 var(--serif); max-width: 44rem; text-wrap: pretty; }
.notice { border-left: 3px solid var(--warn); padding: .1rem 0 .1rem 1rem; margin: 1rem 0; max-width: 44rem; }
.notice.diverged { border-color: var(--bad); }
.key { display: grid; grid-template-columns: repeat(6, auto); justify-content: space-between; gap: 1.4rem 1.2rem;
  margin: 2.2rem 0 0; padding: 1.2rem 0; border-top: 1px solid var(--rule); border-bottom: 1px solid var(--rule); }
.key dt, .key small { color: var(--muted); font: .8rem/1.4 var(--sans); }
.key dd { margin: 0; font: 500 1.55rem/1.35 var(--serif); font-variant-numeric: lining-nums tabular-nums; white-space: nowrap; }
.key small { display: block; }
figure { margin: 0; position: relative; }
figcaption, .caption { color: var(--muted); font-size: .87rem; line-height: 1.5; margin: .7rem 0 0; max-width: 44rem; }
.small { display: grid; grid-template-columns: repeat(3, 1fr); gap: 2rem 1.8rem; margin-top: 2.6rem; }
.small figcaption { margin-top: .2rem; font-size: .82rem; }
svg { display: block; width: 100%; height: auto; overflow: visible; touch-action: pan-y; }
svg text { font: 12px var(--sans); fill: var(--muted); font-variant-numeric: tabular-nums; }
svg path { fill: none; stroke-width: 1.8; stroke-linejoin: round; stroke-linecap: round; }
path.raw { stroke-width: 1; opacity: .26; }
path.training { stroke: var(--training); } path.validation { stroke: var(--validation); }
circle.training { fill: var(--training); } circle.validation { fill: var(--validation); }
.axes line { stroke: var(--grid); } .axes .base, .axes .tick { stroke: var(--muted); opacity: .6; }
.level line { stroke: var(--muted); stroke-dasharray: 1 4; stroke-linecap: round; }
.break line { stroke: var(--bad); stroke-dasharray: 4 4; } svg .break text { fill: var(--bad); }
.best circle { fill: none; stroke: var(--ink); stroke-width: 1.4; } .best line { stroke: var(--muted); }
.level text, .break text, .best text { paint-order: stroke; stroke: var(--paper); stroke-width: 4px; stroke-linejoin: round; }
svg .best text { fill: var(--ink); font-weight: 600; }
svg .names text { font-weight: 600; } .names tspan { font-weight: 400; }
svg .names .training { fill: var(--training); } svg .names .validation { fill: var(--validation); }
.pointer line { stroke: var(--muted); } .pointer circle { stroke: var(--paper); stroke-width: 1.5; }
.bubble { position: absolute; pointer-events: none; z-index: 1; background: var(--panel); border: 1px solid var(--rule);
  border-radius: 6px; padding: .35rem .6rem; font-size: .8rem; line-height: 1.45; white-space: nowrap;
  font-variant-numeric: tabular-nums; box-shadow: 0 2px 8px rgb(0 0 0 / .12); }
.bubble b { font-weight: 600; } .bubble .training { color: var(--training); } .bubble .validation { color: var(--validation); }
.narrow { display: none; }
.sample { background: var(--panel); border-radius: 8px; padding: 1.1rem 1.3rem; margin: 0 0 1.2rem; break-inside: avoid; }
.sample pre { margin: 0; font: .98rem/1.6 var(--serif); white-space: pre-wrap; overflow-wrap: anywhere; tab-size: 4; }
.sample mark { background: none; color: var(--validation); font-weight: 600; }
.sample p { margin: .8rem 0 0; color: var(--muted); font-size: .82rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; font-variant-numeric: tabular-nums; }
th, td { text-align: left; vertical-align: baseline; padding: .38rem 1.2rem .38rem 0; border-bottom: 1px solid var(--grid); }
th { font-weight: 400; } thead th { color: var(--muted); font-size: .82rem; border-bottom-color: var(--rule); }
td:last-child, th:last-child { padding-right: 0; }
.number { text-align: right; white-space: nowrap; }
tfoot td, tfoot th { font-weight: 600; border-bottom: 0; border-top: 1px solid var(--rule); }
.share { width: 22%; } .share i { display: block; height: .5rem; min-width: 1px; background: var(--training); opacity: .55; border-radius: 2px; }
.pair { display: grid; grid-template-columns: 1fr 1fr; gap: 2.5rem 3rem; }
.pair > * { min-width: 0; }
.caption + .pair { margin-top: 2rem; }
.facts th { color: var(--muted); white-space: nowrap; } .facts td { overflow-wrap: anywhere; }
code { font: .86em var(--mono); overflow-wrap: anywhere; }
details { margin-top: 1.6rem; } summary { cursor: pointer; color: var(--muted); font-size: .9rem; margin-bottom: .8rem; }
footer { margin-top: 4rem; padding-top: 1rem; border-top: 1px solid var(--rule); color: var(--muted); font-size: .82rem; }
@media screen and (max-width: 58rem) { .key { grid-template-columns: repeat(3, auto); } }
@media screen and (max-width: 44rem) {
  main { padding: 2rem 1.1rem; }
  h1 { font-size: 2rem; }
  section { margin-top: 2.6rem; }
  .wide { display: none; } .narrow { display: block; }
  .small, .pair { grid-template-columns: 1fr; }
  .small figure { max-width: 22rem; }
  .share, .shape { display: none; }
  th, td { padding-right: .8rem; }
  .key { grid-template-columns: 1fr 1fr; justify-content: stretch; }
}
@media print {
  :root { color-scheme: light; --paper: #fff; --panel: #f7f7f5; --ink: #000; --muted: #555; --rule: #ccc; --grid: #e6e6e6;
    --training: #2b6ca8; --validation: #c2571b; --good: #2f7d4f; --warn: #9a6700; --bad: #b3372c; }
  html { font-size: 10.5pt; }
  body { font-size: 1rem; }
  main { max-width: none; padding: 0; }
  section { margin-top: 2rem; }
  tfoot { display: table-row-group; }
  figure, table, .key { break-inside: avoid; } h2, h3 { break-after: avoid; }
  details, .bubble, .pointer { display: none; }
}`;
