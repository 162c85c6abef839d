/** Failures of the GPU in sentences for people. */
import { UserError } from '../errors.ts';

/** Why a device is gone, and how to go on. */
export function explainLoss({ reason, message }: GPUDeviceLostInfo): UserError {
  if (reason === 'destroyed') return new UserError('The GPU device was closed: open a new engine to go on.');
  return new UserError(
    `The GPU device was lost (${message || 'no reason given'}). What was saved is intact: run again with --resume.`,
  );
}

/** What the GPU had against some work. */
export function explain(error: GPUError | Error): UserError {
  if (error.constructor.name === 'GPUOutOfMemoryError') {
    return new UserError(
      `The GPU is out of memory: ${error.message.trim()}. Use a smaller batch, context or model; what was saved is intact.`,
    );
  }
  return new UserError(`The GPU refused work: ${error.message.trim() || 'no reason given'}`);
}

/** Why a kernel did not compile: its name, the line, the compiler's message and the line's text. */
export async function explainCompilation(
  name: string,
  wgsl: string,
  module: GPUShaderModule,
  error: GPUError,
): Promise<UserError> {
  const { messages } = await module.getCompilationInfo();
  const first = messages.find((message) => message.type === 'error');
  if (!first) return new UserError(`kernel ${name}: ${error.message}`);
  const line = wgsl.split('\n')[first.lineNum - 1]?.trim() ?? '';
  return new UserError(`kernel ${name}: WGSL line ${first.lineNum}: ${first.message}\n  ${line}`);
}
