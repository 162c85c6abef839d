/** Licences as data cards name them, under the identifiers of SPDX and of Hugging Face's hub. */

/** SPDX's names of the licences that the hub knows under the same ones in lower case. */
const SAME = `AFL-3.0 Apache-2.0 Artistic-2.0 BSD-2-Clause BSD-3-Clause BSD-3-Clause-Clear BSL-1.0 CC0-1.0 CC-BY-2.0 CC-BY-2.5
CC-BY-3.0 CC-BY-4.0 CC-BY-NC-2.0 CC-BY-NC-3.0 CC-BY-NC-4.0 CC-BY-NC-ND-3.0 CC-BY-NC-ND-4.0 CC-BY-NC-SA-2.0 CC-BY-NC-SA-3.0
CC-BY-NC-SA-4.0 CC-BY-ND-4.0 CC-BY-SA-3.0 CC-BY-SA-4.0 CDLA-Permissive-1.0 CDLA-Permissive-2.0 CDLA-Sharing-1.0 ECL-2.0 EPL-1.0
EPL-2.0 etalab-2.0 EUPL-1.1 EUPL-1.2 ISC LPPL-1.3c MIT MPL-2.0 MS-PL NCSA OFL-1.1 OSL-3.0 PostgreSQL Unlicense WTFPL Zlib`;

/** Those that it calls otherwise. */
const OTHERWISE: Readonly<Record<string, string>> = {
  'AGPL-3.0-only': 'agpl-3.0',
  'C-UDA-1.0': 'c-uda',
  'GPL-2.0-only': 'gpl-2.0',
  'GPL-3.0-only': 'gpl-3.0',
  'LGPL-2.1-only': 'lgpl-2.1',
  'LGPL-3.0-only': 'lgpl-3.0',
  LGPLLR: 'lgpl-lr',
  'ODbL-1.0': 'odbl',
  'ODC-By-1.0': 'odc-by',
  'PDDL-1.0': 'pddl',
};

interface Licence {
  readonly spdx: string;
  readonly hub: string;
}

const same = SAME.split(/\s+/).map((spdx): Licence => ({ spdx, hub: spdx.toLowerCase() }));
const otherwise = Object.entries(OTHERWISE).map(([spdx, hub]): Licence => ({ spdx, hub }));

/** By either name in lower case. */
const KNOWN = new Map(
  [...same, ...otherwise].flatMap((one) => [one.spdx.toLowerCase(), one.hub].map((id) => [id, one])),
);

/** Also where a space stands for a hyphen: CC-BY 4.0. */
const find = (name: string): Licence | undefined => KNOWN.get(name.toLowerCase().replace(/\s+/g, '-'));

/** What a sentence lists, without what it says of it in brackets. */
const namesIn = (licence: string): string[] =>
  licence
    .replace(/\([^)]*\)/g, '')
    .split(/[,;]/)
    .map((part) => part.trim())
    .filter(Boolean);

export interface HubLicence {
  readonly license: string;
  readonly license_name?: string;
}

/**
 * What a card says on the hub (https://huggingface.co/docs/hub/repositories-licenses): the identifier where nothing is named but that one
 * licence; `unknown`; else `other`, with a name made of the words.
 */
export function hubLicence(licence: string): HubLicence {
  if (/^unknown\b/i.test(licence)) return { license: 'unknown' };
  const names = namesIn(licence);
  const [first, ...others] = new Set(names.map((name) => find(name)?.hub));
  if (first !== undefined && others.length === 0) return { license: first };
  const words = names.map((name) => name.toLowerCase().replace(/[^a-z0-9.]+/g, '-')).join('-and-');
  return { license: 'other', license_name: words.slice(0, 60).replace(/^[-.]+|[-.]+$/g, '') || 'unnamed' };
}

/** The licences' addresses at SPDX; the sentence itself where it names another one. */
export function licenceUrls(licence: string): (string | { readonly '@type': 'CreativeWork'; readonly name: string })[] {
  const found = new Set(namesIn(licence).map(find));
  if (found.size === 0 || found.has(undefined)) return [{ '@type': 'CreativeWork', name: licence }];
  return [...found].map((one) => `https://spdx.org/licenses/${one?.spdx}.html`);
}
