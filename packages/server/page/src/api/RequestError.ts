/** The server refuses a request, and says why. */
export class RequestError extends Error {
  readonly status: number;
  /** The field that is wrong, if it is one. */
  readonly param: string | undefined;

  constructor(status: number, message: string, param?: string) {
    super(message);
    this.status = status;
    this.param = param;
  }
}
