/** What a model has by heart, as a section of a page. */
import type { Part } from '../html.ts';
import type { MemoryFindings } from './memory.ts';

/** Nothing where it was not asked. */
export const memorySection = (memory: MemoryFindings | undefined): Part => memory && [];
