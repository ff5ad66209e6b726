/** Options of a short run of a test pipeline: two steps with guidance, 64×64 pixels, as one float32 tensor [n, 3, 64, 64]; always the same picture. */
export const testRun = { numInferenceSteps: 2, guidanceScale: 7.5, seed: 1, outputType: 'tensor' } as const;
