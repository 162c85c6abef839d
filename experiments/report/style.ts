/** Colours and dashes of the learners, after the palette of Okabe and Ito, which the colour-blind tell apart. */

/** Light, dark, and the dashes that tell curves apart without colours. */
const TONES: readonly [tone: string, light: string, dark: string, dashes: string][] = [
  ['full', '#0072b2', '#56b4e9', 'none'],
  ['lora', '#d55e00', '#f0894a', '9 5'],
  ['head', '#a8548a', '#d995bf', '2 5'],
  ['random', '#00805c', '#35c39a', '10 4 2 4'],
  ['words', '#8a6d00', '#e3c341', '5 4'],
];

const variables = (side: 1 | 2): string => TONES.map((tone) => `--${tone[0]}: ${tone[side]};`).join(' ');

const rules = TONES.map(
  ([tone, , , dashes]) => `path.${tone} { stroke: var(--${tone}); stroke-dasharray: ${dashes}; }
path.${tone}.band, circle.${tone}, svg .names .${tone} { fill: var(--${tone}); }
.bubble .${tone} { color: var(--${tone}); }`,
).join('\n');

/** Stands behind the style of all reports. */
export const TRANSFER_STYLE = /* css */ `
:root { ${variables(1)} }
@media (prefers-color-scheme: dark) { :root { ${variables(2)} } }
@media print { :root { ${variables(1)} } }
${rules}
path.training.band { fill: var(--training); }
path.band { fill-opacity: .13; stroke-opacity: .25; stroke-width: 1; stroke-dasharray: none; }
.summary tbody th { color: var(--muted); width: 24%; } .summary thead th { color: var(--ink); font-weight: 600; }
figure + .pair, .pair + .pair, .caption + h3, .pair + h3 { margin-top: 2rem; } .over + h2 { margin-top: .2rem; }
`;
