/** What a model has by heart, as plain data: kept in trust.json, shown by the page. What stands in the text is shown with private strings masked. */
import { z } from 'zod';

export const MemoryFindings = z.object({});
export type MemoryFindings = z.infer<typeof MemoryFindings>;
