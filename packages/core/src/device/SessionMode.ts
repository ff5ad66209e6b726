/**
 * How a session treats its graph and weights:
 * - 'mapped': the graph is optimised at load; weights stay mapped from their files. The default.
 * - 'channels_last': so too, but convolutions run in the provider's channels-last layout; on the CPU that takes private copies of their weights, as float32.
 * - 'optimized': {@link Device.optimize} made the graph, and it is taken as it is.
 * - 'prepacked': so too, with weights in the order in which the kernels read them, mapped from the file that it wrote.
 */
export type SessionMode = 'mapped' | 'channels_last' | 'optimized' | 'prepacked';
