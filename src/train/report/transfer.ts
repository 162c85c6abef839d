import type { TransferResult } from '../experiment/transferResult.ts';

export function renderTransferReport(result: TransferResult): string {
  return JSON.stringify(result);
}
