/** What a model has by heart. */
import type { MemoryFindings } from '../../report/trust/memory.ts';
import type { QuestionedRun } from '../questioned.ts';

/** Yields what is found, each time more of it. */
export async function* askMemory(_run: QuestionedRun): AsyncGenerator<MemoryFindings> {
  yield {};
}
