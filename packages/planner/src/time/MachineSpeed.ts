/** How fast a machine is, as it was measured. */
export interface MachineSpeed {
  /** Multiplications with an addition in a second, of a product of matrices in float32. */
  readonly float32: number;
  /** The same in int8, quantising included. */
  readonly int8: number;
  /** Bytes in a second from the disk on which weights lie. */
  readonly read: number;
  /** Whether it has AVX-512, with which convolutions take less beside products of matrices. Default false. */
  readonly avx512?: boolean;
}

/** The rates of a {@link MachineSpeed}. */
export const RATES = ['float32', 'int8', 'read'] as const satisfies readonly Exclude<keyof MachineSpeed, 'avx512'>[];
