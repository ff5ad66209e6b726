import { InvalidArgumentError } from 'commander';

/** A plugin as `--use` names it. */
export interface PluginSpec {
  /** A package's name, or the path of a module. */
  readonly package: string;
  /** The class among its exports. */
  readonly export?: string;
  /** What its constructor takes, as JSON text. */
  readonly options?: string;
}

// The colon of a drive letter or of a file URL belongs to the package.
const SPEC = /^((?:[A-Za-z]:(?=[\\/])|file:)?[^:#]+)(?:#([^:]*))?(?::([\s\S]*))?$/;

/** Reads `PACKAGE[#EXPORT][:JSON]`. */
export function parsePluginSpec(text: string): PluginSpec {
  const [, name, exported, options] = SPEC.exec(text) ?? [];
  if (name === undefined || exported === '') {
    throw new InvalidArgumentError(
      `Expected PACKAGE, PACKAGE:JSON or PACKAGE#EXPORT:JSON, such as '@thimble/plugin-vae-tiling:{"budget":"250MB"}'.`,
    );
  }
  return {
    package: name,
    ...(exported === undefined ? {} : { export: exported }),
    ...(options === undefined ? {} : { options }),
  };
}
