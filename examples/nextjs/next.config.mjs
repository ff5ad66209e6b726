/** Native modules and the child process of the pipeline are loaded by Node, not bundled. */
export default { serverExternalPackages: ['@thimble/core', 'onnxruntime-node', 'sharp'] };
