/** Compiles the project of a folder; what the compiler said. Rejects with that if there are errors. */
export function compileNatively(folder: string): Promise<string>;
