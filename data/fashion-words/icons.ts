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
  shirt: 't-shirt running-shirt womans-clothes',
  coat: 'coat lab-coat',
  trousers: 'jeans',
  dress: 'dress',
  boot: 'womans-boot hiking-boot',
  sneaker: 'running-shoe mans-shoe',
  heel: 'high-heeled-shoe womans-sandal',
  bag: 'handbag backpack clutch-bag',
  hat: 'top-hat womans-hat billed-cap',
  glasses: 'glasses sunglasses goggles',
} as const;
/** Those of sets that follow an older Unicode. */
const OLDER = {
  ...{ shirt: EMOJI.shirt, trousers: 'jeans', dress: 'dress', boot: 'womans-boot', sneaker: EMOJI.sneaker },
  ...{ heel: EMOJI.heel, bag: 'handbag backpack', hat: 'top-hat womans-hat', glasses: 'glasses sunglasses' },
};

export const ICONS: readonly Chosen[] = [
  { pkg: NOTO, icons: EMOJI },
  { pkg: TWEMOJI, icons: EMOJI },
  { pkg: FLUENT_FLAT, icons: EMOJI },
  { pkg: EMOJI_ONE, icons: OLDER },
  {
    pkg: FIREFOX_EMOJI,
    icons: {
      ...{ trousers: 'jeans', dress: 'dress', boot: 'boot', heel: 'heels', bag: 'handbag', hat: 'tophat' },
      glasses: 'glasses sunglasses',
    },
  },
  {
    pkg: GAME_ICONS,
    icons: {
      ...{
        shirt: 't-shirt shirt polo-shirt sleeveless-jacket',
        coat: 'pirate-coat moncler-jacket lab-coat fur-shirt robe',
      },
      ...{ trousers: 'trousers armored-pants', dress: 'dress ample-dress large-dress travel-dress' },
      boot: 'boots chelsea-boot cowboy-boot fur-boot leather-boot rubber-boot ski-boot walking-boot steeltoe-boots',
      ...{
        sneaker: 'running-shoe converse-shoe',
        heel: 'high-heel',
        bag: 'hand-bag shoulder-bag school-bag light-backpack',
      },
      hat: 'fedora pilgrim-hat western-hat skimmer-hat outback-hat top-hat billed-cap',
      glasses: 'protection-glasses steampunk-goggles 3d-glasses',
    },
  },
  {
    pkg: PHOSPHOR,
    icons: {
      ...{
        shirt: 't-shirt-fill t-shirt-duotone',
        coat: 'hoodie-fill hoodie-duotone',
        trousers: 'pants-fill pants-duotone',
      },
      ...{ dress: 'dress-fill dress-duotone', boot: 'boot-fill boot-duotone', sneaker: 'sneaker-fill sneaker-duotone' },
      ...{ heel: 'high-heel-fill high-heel-duotone', bag: 'handbag-fill handbag-duotone backpack-fill tote-fill' },
      hat: 'cowboy-hat-fill baseball-cap-fill beanie-fill',
      glasses: 'sunglasses-fill eyeglasses-fill goggles-fill',
    },
  },
  {
    pkg: MATERIAL,
    icons: {
      ...{ shirt: 'tshirt-crew tshirt-v', sneaker: 'shoe-sneaker shoe-formal shoe-cleat', heel: 'shoe-heel' },
      ...{ bag: 'purse bag-personal', hat: 'hat-fedora', glasses: 'glasses sunglasses safety-goggles' },
    },
  },
  {
    pkg: ICON_PARK,
    icons: {
      ...{
        shirt: 't-shirt basketball-clothes vest',
        coat: 'clothes-hoodie clothes-windbreaker sweater clothes-turtleneck',
      },
      ...{
        trousers: 'trousers-bell-bottoms clothes-pants-sweat',
        dress: 'full-dress-longuette',
        heel: 'high-heeled-shoes',
      },
      ...{ bag: 'handbag backpack shoulder-bag retro-bag', hat: 'sun-hat baseball-cap' },
      glasses: 'glasses glasses-one glasses-three',
    },
  },
];

/** All that pictures are made of. */
export const PACKAGES: readonly NpmPackage[] = [RESVG, ...ICONS.map(({ pkg }) => pkg)];
