/** Which icons of which sets show which thing. */
import type { NpmPackage } from '../../src/node/npm.ts';
import {
  EMOJI_ONE,
  FIREFOX_EMOJI,
  FLUENT_FLAT,
  GAME_ICONS,
  ICON_PARK,
  MATERIAL,
  NOTO,
  PHOSPHOR,
  RESVG,
  TWEMOJI,
} from '../packages.ts';

/** The things, in the order of their names in captions' words. */
export const THINGS = [
  'shirt',
  'coat',
  'trousers',
  'dress',
  'boot',
  'sneaker',
  'heel',
  'bag',
  'hat',
  'glasses',
] as const;
type Thing = (typeof THINGS)[number];

interface Chosen {
  readonly pkg: NpmPackage;
  /** Names of icons in the set, with spaces between them, by thing. */
  readonly icons: Readonly<Partial<Record<Thing, string>>>;
}

/** The names that Unicode's emoji have in sets that follow it. */
const EMOJI = {
  ...{ shirt: 't-shirt', coat: 'coat lab-coat', trousers: 'jeans', dress: 'dress', boot: 'womans-boot hiking-boot' },
  ...{
    sneaker: 'running-shoe mans-shoe',
    heel: 'high-heeled-shoe',
    bag: 'handbag backpack',
    hat: 'top-hat billed-cap',
  },
  glasses: 'glasses sunglasses',
} as const;
/** Those of sets that follow an older Unicode. */
const OLDER = { ...EMOJI, coat: undefined, boot: 'womans-boot', hat: 'top-hat' };

/** Drawings that are filled, and look like what they are when they are small. */
export const ICONS: readonly Chosen[] = [
  { pkg: NOTO, icons: EMOJI },
  { pkg: TWEMOJI, icons: EMOJI },
  { pkg: FLUENT_FLAT, icons: EMOJI },
  { pkg: EMOJI_ONE, icons: OLDER },
  {
    pkg: FIREFOX_EMOJI,
    icons: {
      ...{ trousers: 'jeans', dress: 'dress', boot: 'boot', heel: 'heels', bag: 'handbag', hat: 'tophat' },
      glasses: 'glasses',
    },
  },
  {
    pkg: GAME_ICONS,
    icons: {
      ...{ shirt: 't-shirt polo-shirt', coat: 'moncler-jacket', trousers: 'trousers', dress: 'dress large-dress' },
      ...{ boot: 'cowboy-boot fur-boot rubber-boot', sneaker: 'converse-shoe', heel: 'high-heel', hat: 'fedora' },
    },
  },
  {
    pkg: PHOSPHOR,
    icons: {
      ...{ shirt: 't-shirt-fill', coat: 'hoodie-fill', trousers: 'pants-fill', dress: 'dress-fill', boot: 'boot-fill' },
      ...{ sneaker: 'sneaker-fill', heel: 'high-heel-fill', bag: 'handbag-fill', hat: 'cowboy-hat-fill' },
      glasses: 'sunglasses-fill',
    },
  },
  {
    pkg: MATERIAL,
    icons: {
      ...{ shirt: 'tshirt-crew tshirt-v', sneaker: 'shoe-sneaker shoe-formal', heel: 'shoe-heel', bag: 'purse' },
      ...{ hat: 'hat-fedora', glasses: 'glasses sunglasses' },
    },
  },
  {
    pkg: ICON_PARK,
    icons: {
      ...{
        shirt: 't-shirt',
        coat: 'clothes-windbreaker sweater',
        trousers: 'trousers-bell-bottoms clothes-pants-sweat',
      },
      ...{ dress: 'full-dress-longuette', heel: 'high-heeled-shoes', bag: 'handbag', hat: 'baseball-cap' },
    },
  },
];

/** All that pictures are made of. */
export const PACKAGES: readonly NpmPackage[] = [RESVG, ...ICONS.map(({ pkg }) => pkg)];
