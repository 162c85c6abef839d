/** The page's style sheet: a calm page of print, in light and dark, on any width and on paper. */
export const STYLE = /* css */ `
:root {
  color-scheme: light dark;
  --paper: light-dark(#fdfcfa, #15171b); --panel: light-dark(#f6f4ef, #1c1f24); --rule: light-dark(#e2dfd8, #32353c);
  --ink: light-dark(#22242a, #e4e2dc); --muted: light-dark(#686b73, #9a9ca3);
  --training: light-dark(#2b6ca8, #6fb1ec); --validation: light-dark(#c2571b, #f0955a);
  --good: light-dark(#2f7d4f, #6cc08b); --warn: light-dark(#9a6700, #dcb04f); --bad: light-dark(#b3372c, #f0837a);
  --serif: Charter, "Bitstream Charter", "Iowan Old Style", "Source Serif 4", Georgia, "DejaVu Serif", serif;
  --sans: system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", "DejaVu Sans", sans-serif;
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.6 var(--sans); -webkit-text-size-adjust: 100%; }
main { max-width: 58rem; margin: 0 auto; padding: 4rem 2rem 3rem; }
h1 { font: 600 2.5rem/1.15 var(--serif); margin: .25rem 0 1rem; letter-spacing: -.01em; overflow-wrap: anywhere; }
h2 { font: 600 1.3rem/1.3 var(--serif); margin: 0 0 1rem; }
h3 { font: 600 .95rem/1.4 var(--sans); margin: 0 0 .6rem; }
p { margin: 0 0 1rem; }
section { margin-top: 3.5rem; }
.block { margin-top: 2rem; min-width: 0; }
.over, .caption, figcaption, footer, summary, .sample p { color: var(--muted); font-size: .87rem; line-height: 1.5; }
.over { margin: 0; }
.status { font-weight: 600; color: var(--good); } .status.stopped { color: var(--warn); } .status.diverged { color: var(--bad); }
.abstract { font: 1.12rem/1.65 var(--serif); text-wrap: pretty; }
.abstract, .notice, .caption, figcaption { max-width: 44rem; }
.notice { border-left: 3px solid var(--warn); padding: .1rem 0 .1rem 1rem; margin: 1rem 0; }
.key { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 1.4rem 1.2rem; margin: 2.2rem 0 0;
  padding: 1.2rem 0; border: solid var(--rule); border-width: 1px 0; }
.key dt, .key small { color: var(--muted); font: .8rem/1.4 var(--sans); }
.key dd { margin: 0; font: 500 1.55rem/1.35 var(--serif); font-variant-numeric: lining-nums tabular-nums; white-space: nowrap; }
.key small { display: block; }
figure { margin: 0; } figure + .scroll { margin-top: 1.4rem; } figcaption, .caption { margin: .7rem 0 0; }
svg { display: block; width: 100%; height: auto; overflow: visible; color: var(--muted); font: 12px var(--sans);
  font-variant-numeric: tabular-nums; }
.narrow { display: none; }
.small { display: grid; grid-template-columns: repeat(3, 1fr); gap: 2rem 1.8rem; margin-top: 2.6rem; }
.sample { background: var(--panel); border-radius: 8px; padding: 1.1rem 1.3rem; margin: 0 0 1.2rem; break-inside: avoid; }
.sample pre { margin: 0; font: .98rem/1.6 var(--serif); white-space: pre-wrap; overflow-wrap: anywhere; tab-size: 4; }
.sample mark { background: none; color: var(--validation); font-weight: 600; }
.sample p { margin: .8rem 0 0; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; font-variant-numeric: tabular-nums; }
th, td { text-align: left; vertical-align: baseline; padding: .38rem 1.2rem .38rem 0; border-bottom: 1px solid var(--rule); }
th { font-weight: 400; } thead th, .facts th, td small, th small { color: var(--muted); } thead th { font-size: .82rem; }
td:last-child, th:last-child { padding-right: 0; }
.number { text-align: right; white-space: nowrap; } .long { min-width: 11rem; }
.share { min-width: 9rem; } .share b { display: inline-block; width: 4rem; padding-right: .6rem; text-align: right; font: inherit; }
.share i { display: inline-block; height: .5rem; min-width: 1px; width: calc(var(--share) * (100% - 4.2rem)); background: var(--training);
  opacity: .55; border-radius: 2px; print-color-adjust: exact; }
tfoot td, tfoot th { font-weight: 600; border-bottom: 0; }
.pair { display: grid; grid-template-columns: 1fr 1fr; gap: 0 3rem; } .pair > * { min-width: 0; }
.facts th { white-space: nowrap; } .facts td { overflow-wrap: anywhere; }
code { font: .86em ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace; overflow-wrap: anywhere; }
details { margin-top: 1.6rem; } summary { cursor: pointer; margin-bottom: .8rem; }
footer { margin-top: 4rem; padding-top: 1rem; border-top: 1px solid var(--rule); }
@media screen and (max-width: 44rem) {
  main { padding: 2rem 1.1rem; }
  h1 { font-size: 2rem; }
  section { margin-top: 2.6rem; }
  .wide { display: none; } .narrow { display: block; }
  .small, .pair { grid-template-columns: 1fr; }
  .small figure { max-width: 22rem; }
  .key { display: grid; grid-template-columns: 1fr 1fr; }
}
@media print {
  :root { color-scheme: light; --paper: #fff; --ink: #000; }
  html { font-size: 10.5pt; } body { font-size: 1rem; }
  main { max-width: none; padding: 0; }
  section { margin-top: 2rem; } tfoot { display: table-row-group; } details { display: none; }
  figure, table, .key { break-inside: avoid; } h2, h3 { break-after: avoid; }
}`;
