/** Origin, licence and size of what a model was trained on. */
import { wentInWords } from '../../report/dataCard.ts';
import { exact } from '../../report/format.ts';
import { type CardSection, facts, table, text } from '../../report/trust/cardDocument.ts';
import { auditInWords } from './audited.ts';
import type { CardFacts, LabelFacts, TextFacts } from './facts.ts';
import { isImported } from './metadata.ts';

/** The card's section; what was found in the data stands in croissant.json beside it too. */
export function dataSection(run: CardFacts): CardSection {
  const heading = 'Training Data';
  if (isImported(run)) return { heading, blocks: [text('Not known: the model came without it.')] };
  const { data, known } = run;
  const origin = [
    ['Name', data.name],
    ['Title', known?.title],
    ['Source', data.source],
    ['Licence', data.licence],
  ] as const;
  const about = known ? [text(known.note)] : [];
  const blocks = run.task === 'text' ? [facts([...origin, ...textRows(run)])] : labelBlocks(run, origin);
  return { heading, blocks: [...blocks, ...about] };
}

function textRows({ card, audit }: TextFacts): [string, string | undefined][] {
  const { bytes, characters, trainTokens, validationTokens, sha256, duplicates, cut, canaries, clean, ...data } =
    card.dataCard;
  return [
    ['Size', `${exact(bytes)} bytes, ${exact(characters)} characters`],
    ['Tokenizer', `${data.tokenizer}, ${exact(data.vocabularySize)} tokens`],
    ['Trained on', `${exact(trainTokens)} tokens`],
    ['Held out', `${exact(validationTokens)} tokens`],
    ['Canaries', canaries && `${exact(canaries.sentences)} sentences with ${exact(canaries.digits)} digits planted`],
    ['Left out before', clean && wentInWords(clean)],
    ['Duplicates left out', duplicates === undefined ? undefined : exact(duplicates)],
    ['Answers cut', cut === undefined ? undefined : exact(cut)],
    ['SHA-256', sha256],
    ...(audit ? auditInWords(audit) : []),
  ];
}

type Rows = readonly (readonly [string, string | undefined])[];

function labelBlocks({ card }: LabelFacts, origin: Rows) {
  const { parts, duplicates, sha256 } = card.dataCard;
  const { within, across, conflicting } = duplicates;
  const removed = `${exact(within)} within parts, ${exact(across)} across parts, ${exact(conflicting)} with several labels`;
  const rows = Object.entries(parts).map(([part, { examples, labels }]) => [
    ...[part, exact(examples), card.splits[part] ? exact(card.splits[part].examples) : ''],
    Object.entries(labels)
      .map(([label, number]) => `${label} ${exact(number)}`)
      .join(', '),
  ]);
  return [
    facts([...origin, ['Duplicates left out', removed], ['SHA-256', sha256]]),
    table(['Part', 'Examples', 'Used', 'By label'], rows),
  ];
}
