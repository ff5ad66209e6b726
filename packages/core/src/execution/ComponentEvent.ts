/** A component's weights were mapped and its sessions made. */
export interface LoadEvent {
  readonly type: 'load';
  readonly component: string;
  readonly bytes: number;
  readonly milliseconds: number;
}

/** A component was called. */
export interface ModelEvent {
  readonly type: 'model';
  readonly component: string;
  readonly entry: string;
  readonly milliseconds: number;
}
