/** A picture of float32, channel by channel, row by row. */
export class Plane {
  readonly data: Float32Array;
  readonly channels: number;
  readonly height: number;
  readonly width: number;

  constructor(
    channels: number,
    height: number,
    width: number,
    data: Float32Array = new Float32Array(channels * height * width),
  ) {
    this.channels = channels;
    this.height = height;
    this.width = width;
    this.data = data;
  }

  /** A copy of a rectangle, as far as it lies inside. */
  crop(top: number, left: number, height: number, width: number): Plane {
    const part = new Plane(this.channels, Math.min(height, this.height - top), Math.min(width, this.width - left));
    part.paste(this, 0, 0, top, left);
    return part;
  }

  /** Copies `source`, from its row `fromTop` and column `fromLeft` on, to a place in this one, as far as it fits. */
  paste(source: Plane, top: number, left: number, fromTop = 0, fromLeft = 0): void {
    const height = Math.min(this.height - top, source.height - fromTop);
    const width = Math.min(this.width - left, source.width - fromLeft);
    for (let channel = 0; channel < this.channels; channel++) {
      for (let y = 0; y < height; y++) {
        const from = (channel * source.height + fromTop + y) * source.width + fromLeft;
        this.data.set(source.data.subarray(from, from + width), (channel * this.height + top + y) * this.width + left);
      }
    }
  }
}
