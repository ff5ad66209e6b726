/** A component's weights were mapped and its sessions made. */
export interface LoadEvent {
  readonly type: 'load';
  readonly component: string;
  readonly bytes: number;
  readonly milliseconds: number;
}

/** How far something that takes long has come, such as decoding in strips. */
export interface ProgressEvent {
  readonly type: 'progress';
  /** What is being done: `decode`, `encode`. */
  readonly task: string;
  readonly done: number;
  readonly total: number;
}

/** A component was called. */
export interface ModelEvent {
  readonly type: 'model';
  readonly component: string;
  readonly entry: string;
  readonly milliseconds: number;
}
