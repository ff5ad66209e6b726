interface SeenStep {
  readonly step: number;
  readonly at: number;
}

/** Says how long the rest of a run takes, by the steps that were seen to end. Times are milliseconds. */
export class StepClock {
  readonly #told: number;
  #begun: number | undefined;
  #first: SeenStep | undefined;
  #last: SeenStep | undefined;

  /** @param told steps that were done before anybody looked: nobody knows when */
  constructor(told: number) {
    this.#told = told;
  }

  /** The run begins. */
  begin(at: number): void {
    this.#begun = at;
  }

  /** A step, from 1, has ended. */
  step(step: number, at: number): void {
    if (step <= this.#told) return;
    this.#last = { step, at };
    this.#first ??= this.#last;
  }

  /** When the last of `steps` ends; undefined while nothing is known. */
  end(steps: number): number | undefined {
    const [each, last] = [this.#each, this.#last];
    return each === undefined || last === undefined ? undefined : last.at + each * (steps - last.step);
  }

  /** How long a step takes. The first one, which may also open the model, counts only while it is the only one. */
  get #each(): number | undefined {
    const [first, last] = [this.#first, this.#last];
    if (first === undefined || last === undefined) return undefined;
    if (last.step > first.step) return (last.at - first.at) / (last.step - first.step);
    return this.#told > 0 || this.#begun === undefined ? undefined : (last.at - this.#begun) / last.step;
  }
}
