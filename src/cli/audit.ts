import { existsSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import type { Command } from 'commander';
import { findCorpus, findTaskSet, taskSets } from '../../data/corpora.ts';
import { UsageError, UserError } from '../errors.ts';
import { textFiles, writeAtomic } from '../node/files.ts';
import { short } from '../quote.ts';
import { wentInWords } from '../report/dataCard.ts';
import { exact, plural } from '../report/format.ts';
import type { AuditCard, FindingCard } from '../report/trust/audit.ts';
import { foundOf, inShort, languagesOf, perThousand, total, warnings } from '../report/trust/auditWords.ts';
import { shellWord } from '../shellWord.ts';
import { CLEAN_RULES, cleanRules } from '../text/windows/cleaning.ts';
import { audit, WALKS, watch } from '../trust/data/audit/audit.ts';
import { cardFile, type WrittenClean, writeCleaned } from '../trust/data/cleanFiles.ts';
import { type DocumentSource, textDocuments } from '../trust/data/documents.ts';
import { isTable, setDocuments, tableDocuments } from '../trust/data/tables.ts';
import { CORPUS_ARGUMENT, openCorpus } from './corpus.ts';
import { addQuotes, examples, jsonOption, path } from './options.ts';
import { print, printJson, say, table } from './terminal/output.ts';
import { Progress } from './terminal/progress.ts';
import { stopSignal } from './terminal/stopSignal.ts';

interface AuditFlags {
  text?: string;
  quotes?: boolean;
  clean?: string;
  out?: string;
  page: string | false;
  json?: boolean;
}

/** `dawnlm data audit`. */
export function addAudit(data: Command): void {
  const verb = data
    .command('audit')
    .description('look a text through before it is learned from: origin, languages, faults, private and toxic matter')
    .argument(
      '<text>',
      `${CORPUS_ARGUMENT}; ${taskSets.map(({ name }) => name).join(', ')}, or a table (.csv, .tsv, .jsonl, .conll)`,
    )
    .option('--text <column>', 'column of a table that is looked at (default: text, else that with the longest texts)')
    .option('--clean <rules>', `write the text without these, with commas between, to --out: ${CLEAN_RULES.join(', ')}`)
    .option(
      '--out <file>',
      'the cleaned text; a folder where it has several parts. A card of what went is written too',
      path,
    )
    .option('--page <file>', 'write the page to look at there', path, 'audit.html')
    .option('--no-page', 'write no page')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      examples(
        'dawnlm data audit moby-dick',
        'dawnlm data audit mails.csv --text body --clean near-duplicates,private,toxic --out clean.csv',
      ),
    );
  addQuotes(verb).action(auditVerb);
}

async function auditVerb(given: string, { page, json, clean = '', out, ...choice }: AuditFlags): Promise<void> {
  const rules = cleanRules(clean);
  if (rules.length > 0 !== (out !== undefined)) {
    throw new UsageError(
      '--clean and --out go together: which rules, and where to. Such as --clean private --out clean.txt',
    );
  }
  if (page) await checkPage(page);
  const source = await openDocuments(given, choice);
  if (out !== undefined) checkOut(source, out);
  const walks = WALKS + (out === undefined ? 0 : 1);
  const { card, written } = await auditWatched(source, walks * (await sizeOf(given)), (watched) =>
    out === undefined ? undefined : writeCleaned(watched, rules, out, endingOf(given)),
  );
  if (page) await writePage(page, card);
  if (json) printJson({ ...card, ...(page && { page }), ...(written && { cleaned: written }) });
  else print(inWords(card) + (written ? cleanedInWords(written) : '') + (page ? `\npage: ${page}\n` : ''));
}

/** Endings of the files of a set's parts. */
const ENDINGS = { classify: '.csv', tag: '.conll' };

function endingOf(given: string): string {
  const set = findTaskSet(given);
  return set ? ENDINGS[set.task] : '';
}

/** Files of a user are not written over. */
function checkOut(source: DocumentSource, out: string): void {
  const there = [out, cardFile(source, out)].find((file) => existsSync(file));
  if (there !== undefined) throw new UserError(`${there} exists. Give --out another name than ${shellWord(out)}.`);
}

const cleanedInWords = ({ card, files }: WrittenClean): string =>
  `\ncleaned: ${exact(card.kept)} of ${plural(card.documents, 'document')} stay. ${wentInWords(card)}\n${files.map((file) => `${file}\n`).join('')}`;

/** A known set or corpus, a table, else a text or a folder of them, as documents. */
async function openDocuments(given: string, choice: Pick<AuditFlags, 'text' | 'quotes'>): Promise<DocumentSource> {
  const set = findTaskSet(given);
  if (set) return setDocuments(set, say);
  if (!findCorpus(given) && isTable(given)) return tableDocuments(given, choice);
  return textDocuments(await openCorpus(given));
}

/** Bytes of what lies in files; 0 of all else, whose end cannot be told before. */
async function sizeOf(given: string): Promise<number> {
  if (given === '-' || findTaskSet(given) || findCorpus(given)) return 0;
  const sizes = await Promise.all((await textFiles(given)).map(async (file) => (await stat(file)).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}

const MB = 1e6;

/** Audits a source, and hands it on to be walked once more, with progress over the bytes of all walks, and until Ctrl-C. */
async function auditWatched<T>(
  source: DocumentSource,
  bytes: number,
  then: (watched: DocumentSource) => Promise<T> | undefined,
): Promise<{ card: AuditCard; written: T | undefined }> {
  const signal = stopSignal('Stopping; no file is left in part. Ctrl-C again ends at once.');
  const progress = new Progress();
  const begun = performance.now();
  const onProgress = (done: number): void => {
    if (bytes < 4 * MB) return;
    const leftMs = ((performance.now() - begun) / done) * Math.max(0, bytes - done);
    const steps = Math.ceil(bytes / MB);
    progress.update({ step: Math.min(steps, Math.floor(done / MB)), steps, what: 'MB', leftMs });
  };
  const watched = watch(source, { signal, onProgress });
  try {
    return { card: await audit(watched), written: await then(watched) };
  } finally {
    progress.end();
  }
}

/** A page of ours may be written over; what else has that name may not. */
async function checkPage(page: string): Promise<void> {
  if (!existsSync(page)) return;
  const written = await readFile(page, 'utf8').catch(() => '');
  if (written.includes('<title>Audit of ')) return;
  throw new UserError(`${page} exists and is no page of an audit. Give another name with --page, or --no-page.`);
}

async function writePage(page: string, card: AuditCard): Promise<void> {
  const { renderAudit } = await import('../report/trust/auditPage.ts'); // takes a second, for its chart
  await writeAtomic(page, renderAudit(card));
}

/** Parts that are named one by one. */
const MOST_PARTS = 12;

function inWords(card: AuditCard): string {
  const words = total(card, 'words');
  const parts = card.parts.slice(0, MOST_PARTS).map((part) => [
    part.name,
    ...[part.documents, part.words, part.characters, part.lines].map(exact),
    languagesOf([part])
      .slice(0, 3)
      .map(({ name }) => name)
      .join(', '),
  ]);
  const more = card.parts.length - MOST_PARTS;
  return [
    `${card.name}: ${inShort(card)}\n`,
    ...warnings(card).map((warning) => `to mind: ${warning}\n`),
    `\n${table([['part', 'documents', 'words', 'characters', 'lines', 'languages'], ...parts])}`,
    more > 0 ? `and ${plural(more, 'part')} more\n` : '',
    origins(card),
    copies(card),
    foundTable('private data', card.private),
    foundTable('encoding', card.encoding),
    foundTable('boilerplate', card.boilerplate.known),
    `\ntoxic words: ${exact(foundOf(card.toxic))}, ${perThousand(foundOf(card.toxic), words)} in a thousand words\n`,
    groupLines(card),
  ].join('');
}

/** Each origin once. */
function origins({ parts }: AuditCard): string {
  const lines = parts.map(({ source, licence, use }) => `source: ${source}\nlicence: ${licence}\nuse: ${use}\n`);
  return `\n${[...new Set(lines)].slice(0, MOST_PARTS).join('')}`;
}

function copies({ duplicates }: AuditCard): string {
  const { documents, near, lines } = duplicates;
  const rows = [
    ['documents', documents],
    ['documents, nearly', near],
    ['lines', lines],
  ] as const;
  const cells = rows.map(
    ([
      what,
      {
        looked,
        copies: n,
        groups: [most],
      },
    ]) => [what, exact(n), exact(looked), most ? `${exact(most.times)} times: ${short(most.excerpt)}` : ''],
  );
  return `\n${table([['copies', 'came before', 'of', 'the commonest'], ...cells], 4)}`;
}

function foundTable(what: string, findings: readonly FindingCard[]): string {
  if (findings.length === 0) return '';
  const rows = findings.map(({ kind, count, places: [first] }) => [
    kind,
    exact(count),
    first ? `${first.part}, line ${exact(first.line)}: ${first.excerpt}` : '',
  ]);
  return `\n${table([[what, 'found', 'the first'], ...rows], 3)}`;
}

function groupLines({ groups: { associations } }: AuditCard): string {
  if (associations.length === 0) return '';
  const lines = associations
    .slice(0, 8)
    .map(({ group, word, near, expected }) => `  ${word} near ${group}: ${near}, expected ${expected.toFixed(1)}\n`);
  return `\nwords near groups that chance does not explain (${associations.length} pairs):\n${lines.join('')}`;
}
