type Report = Readonly<Record<string, readonly { readonly name: string; readonly versions: readonly string[] }[]>>;

/** Which packages of `pnpm licenses list --json` have licences that are not allowed; with `tools`, also those of tools may be. */
export function licenceProblems(report: Report, options?: { readonly tools?: boolean }): string[];
