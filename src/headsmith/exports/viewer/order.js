// The order in which Gaussians are drawn: far to near. Depths are positive floats, whose bits sort as they do: two rounds of a
// radix sort by 16 bits each. Gaussians behind the camera come anywhere; they are not drawn.

class Order {
  constructor(count) {
    this.depths = new Float32Array(count);
    this.bits = new Uint32Array(this.depths.buffer);
    this.halfway = new Uint32Array(count);
    this.numbers = new Uint32Array(count);
    this.starts = new Uint32Array(65536);
  }

  sort(records, rotation, translation) {
    const count = this.depths.length, [a, b, c] = rotation.slice(6), shift = translation[2];
    for (let number = 0, at = 0; number < count; number++, at += RECORD)
      this.depths[number] = Math.max(a * records[at] + b * records[at + 1] + c * records[at + 2] + shift, 0);
    this.round(place => place, 0, this.halfway);
    this.round(place => this.halfway[place], 16, this.numbers);
    return this.numbers.reverse();
  }

  round(source, shift, target) {
    const count = this.depths.length, starts = this.starts.fill(0);
    for (let number = 0; number < count; number++) starts[(this.bits[number] >>> shift) & 65535]++;
    for (let bin = 0, total = 0; bin < 65536; bin++) {
      const here = starts[bin];
      starts[bin] = total;
      total += here;
    }
    for (let place = 0; place < count; place++) {
      const number = source(place);
      target[starts[(this.bits[number] >>> shift) & 65535]++] = number;
    }
  }
}
