/**
 * The adapters that the GPU tests run on: two independent Vulkan drivers on linux, whatever there is elsewhere. An absent
 * one fails. DAWNLM_TEST_ADAPTERS=gpu, or a list with commas, names others: for a machine with a GPU, or without root.
 */
function defaultAdapters(): string[] {
  if (process.platform !== 'linux') return ['auto'];
  return process.arch === 'x64' ? ['lavapipe', 'swiftshader'] : ['lavapipe']; // SwiftShader comes for x64 only
}

export const TEST_ADAPTERS: readonly string[] = process.env.DAWNLM_TEST_ADAPTERS?.split(',') ?? defaultAdapters();
