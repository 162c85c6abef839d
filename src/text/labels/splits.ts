/** What is trained on, chosen by and tested on: made without leaks, and thinned out for learning curves. */
import { z } from 'zod';
import { UsageError } from '../../errors.ts';
import { countLabels, type LabelledText, shuffled } from './labelled.ts';

/** The parts of a data set. `train` is learned from, `validation` chooses, `test` is looked at once. */
export interface Splits<T> {
  readonly train: readonly T[];
  readonly validation: readonly T[];
  readonly test: readonly T[];
}

/** Shares of the whole that are held out; the rest trains. */
export interface Fractions {
  readonly validation: number;
  readonly test: number;
}

/** What `removeDuplicates` took away. */
export const DuplicateCounts = z.object({
  /** Copies of a text inside one part, beyond the first. */
  within: z.int().min(0),
  /** Texts of a part that also stand in a part that is kept before it. */
  across: z.int().min(0),
  /** Texts that one part has under several labels: all of their copies are gone. */
  conflicting: z.int().min(0),
});
export type DuplicateCounts = z.infer<typeof DuplicateCounts>;

/**
 * Splits examples so that each class has its share of every part, rounded; a class of three or more examples has at least one
 * in each part that is asked for, and one to train on. The order inside of a part is shuffled.
 * @throws UsageError when the fractions leave nothing to train on
 */
export function stratifiedSplit<T extends { readonly label: string }>(
  examples: readonly T[],
  { validation, test }: Fractions,
  seed: number,
): Splits<T> {
  if (!(validation >= 0 && test >= 0 && validation + test < 1)) {
    throw new UsageError(
      `the held-out shares must be 0 or more and add up to less than 1, got ${validation} and ${test}`,
    );
  }
  const classes = byLabel(examples).map((members) => {
    const order = shuffled(members, seed);
    const share = (fraction: number, most: number): number =>
      fraction === 0 || order.length < 3 ? 0 : Math.min(most, Math.max(1, Math.round(fraction * order.length)));
    const tested = share(test, order.length - (validation > 0 ? 2 : 1));
    const held = tested + share(validation, order.length - tested - 1);
    return { test: order.slice(0, tested), validation: order.slice(tested, held), train: order.slice(held) };
  });
  const part = (name: keyof Splits<T>, order: number): T[] =>
    shuffled(
      classes.flatMap((parts) => parts[name]),
      seed + order,
    );
  return { train: part('train', 1), validation: part('validation', 2), test: part('test', 3) };
}

/** Splits items without a class, such as tagged sentences or documents, into rounded shares. */
export function randomSplit<T>(items: readonly T[], fractions: Fractions, seed: number): Splits<T> {
  const { train, validation, test } = stratifiedSplit(
    items.map((item) => ({ item, label: '' })),
    fractions,
    seed,
  );
  const bare = (part: readonly { item: T }[]): T[] => part.map(({ item }) => item);
  return { train: bare(train), validation: bare(validation), test: bare(test) };
}

/** The examples of each label, labels in the order of their names. */
function byLabel<T extends { readonly label: string }>(examples: readonly T[]): T[][] {
  const labels = [...countLabels(examples).keys()].sort();
  const members = new Map(labels.map((label) => [label, [] as T[]]));
  for (const example of examples) members.get(example.label)!.push(example);
  return [...members.values()];
}

/**
 * The first `n` of one fixed order of the training examples, so that fewer are always a part of more. The order is
 * stratified: it begins with one example of each class, the largest class first, and goes on in proportion.
 * All of them where there are no more than `n`.
 * @throws UsageError when n is not a whole number of 1 or more
 */
export function subsample<T extends { readonly label: string }>(train: readonly T[], n: number, seed: number): T[] {
  if (!Number.isInteger(n) || n < 1) throw new UsageError(`a subsample needs a whole number of 1 or more, got ${n}`);
  const ranked = byLabel(train).flatMap((members) =>
    shuffled(members, seed).map((example, i) => ({ example, first: i === 0, place: (i + 0.5) / members.length })),
  );
  ranked.sort((a, b) => Number(b.first) - Number(a.first) || a.place - b.place);
  return ranked.slice(0, n).map(({ example }) => example);
}

/** The first `n` items of one fixed order, for items without a class. Fewer are always a part of more. */
export const subsampleAny = <T>(train: readonly T[], n: number, seed: number): T[] => shuffled(train, seed).slice(0, n);

/**
 * What makes two texts of a user the same: every sign, but for how the system writes line ends and how Unicode may write one
 * letter in two ways (NFC). Texts that differ in a sign, a capital or an emoji may well differ in their label.
 */
export const sameText = (text: string): string => text.replace(/\r\n?/g, '\n').normalize('NFC').trim();

/** What makes two texts of a known set nearly the same: letters and digits alone, compatibility forms and case folded. */
export const normalizeText = (text: string): string =>
  text
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim() || text.trim();

/**
 * Removes texts that occur twice, so that nothing tested on was trained on. The test part is kept before the validation part,
 * and that before the training part: a text that stands in two of them goes from the later one. Inside a part the first
 * copy stays, unless the copies bear different labels: then none does.
 * @param keyOf what makes two texts the same
 */
export function removeDuplicates(
  parts: Splits<LabelledText>,
  keyOf: (text: string) => string = normalizeText,
): { splits: Splits<LabelledText>; removed: DuplicateCounts } {
  return removeRepeated(
    parts,
    ({ text }) => keyOf(text),
    ({ label }) => label,
  );
}

/** `removeDuplicates` for items of any kind. `labelOf` is '' for all where items cannot conflict. */
export function removeRepeated<T>(
  parts: Splits<T>,
  keyOf: (item: T) => string,
  labelOf: (item: T) => string,
): { splits: Splits<T>; removed: DuplicateCounts } {
  const removed = { within: 0, across: 0, conflicting: 0 };
  const taken = new Set<string>();
  const clean = (part: readonly T[]): T[] => {
    const keyed = part.map((item) => ({ item, key: keyOf(item) }));
    const fresh = keyed.filter(({ key }) => !taken.has(key));
    removed.across += keyed.length - fresh.length;
    const labels = new Map<string, Set<string>>();
    for (const { item, key } of fresh) labels.set(key, (labels.get(key) ?? new Set()).add(labelOf(item)));
    const agreed = fresh.filter(({ key }) => labels.get(key)!.size === 1);
    removed.conflicting += fresh.length - agreed.length;
    const first = agreed.filter(({ key }) => !taken.has(key) && taken.add(key));
    removed.within += agreed.length - first.length;
    for (const key of labels.keys()) taken.add(key); // a text without an agreed label must not be trained on either
    return first.map(({ item }) => item);
  };
  const test = clean(parts.test);
  const validation = clean(parts.validation);
  return { splits: { train: clean(parts.train), validation, test }, removed };
}
