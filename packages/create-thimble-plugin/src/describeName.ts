/** What follows from a package's name. */
export interface DescribedName {
  /** `thimble-plugin-step-timer` */
  readonly folder: string;
  /** `StepTimerPlugin` */
  readonly className: string;
  /** `me:step-timer` */
  readonly pluginName: string;
}

const PACKAGE_NAME = /^(?:@([a-z0-9][a-z0-9._-]*)\/)?([a-z0-9][a-z0-9._-]*)$/;

/** @throws Error for a name that no package can have */
export function describeName(name: string, author?: string): DescribedName {
  const [, scope, folder] = PACKAGE_NAME.exec(name) ?? [];
  if (folder === undefined)
    throw new Error(
      `"${name}" cannot be the name of a package: write small letters, digits and hyphens, such as thimble-plugin-step-timer`,
    );
  const short = folder.replace(/^thimble-plugin-/, '');
  const className = `${short
    .split(/[._-]+/)
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('')}Plugin`;
  return {
    folder,
    className: /^\d/.test(className) ? `The${className}` : className,
    pluginName: `${author ?? scope ?? 'me'}:${short}`,
  };
}
