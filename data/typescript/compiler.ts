/** TypeScript's own parser, which says whether a text is TypeScript. */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type typescript from 'typescript';
import { fetchPackage, type Say } from '../../src/node/npm.ts';
import { TYPESCRIPT } from '../packages.ts';

/** What is no TypeScript, and where: lines count from 1. */
export interface SyntaxProblem {
  readonly line: number;
  readonly message: string;
}

/** What is wrong with a text by its grammar, in the order of the text. */
export type Parser = (name: string, text: string) => SyntaxProblem[];

/** The parser of the package, which is fetched when it is first asked for. @throws UserError when it cannot be had */
export async function openParser(say: Say): Promise<Parser> {
  const require = createRequire(import.meta.url);
  const ts: typeof typescript = require(join(await fetchPackage(TYPESCRIPT, say), 'lib', 'typescript.js'));
  return (name, text) => {
    const file = ts.createSourceFile(name, text, ts.ScriptTarget.Latest);
    // of the syntax alone, which the public interface has only for whole programs
    const { parseDiagnostics } = file as unknown as { parseDiagnostics: readonly typescript.DiagnosticWithLocation[] };
    return parseDiagnostics.map(({ start, messageText }) => ({
      line: file.getLineAndCharacterOfPosition(start).line + 1,
      message: ts.flattenDiagnosticMessageText(messageText, ' '),
    }));
  };
}
