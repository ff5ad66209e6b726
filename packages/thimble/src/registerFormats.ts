/** Makes GGUF files known where one is named. Its package is loaded when it is wanted, and not before. */
export async function registerFormats(sources: readonly (string | undefined)[]): Promise<void> {
  if (!sources.some((source) => source !== undefined && /\.gguf(?:$|\?)/i.test(source))) return;
  const { registerGguf } = await import('@thimble/plugin-gguf');
  registerGguf();
}
