// The learned Gaussians: a small network weighs the bases, whose sum changes offset, log scale, opacity and colour.

const RECORD = 16;  // numbers a Gaussian: x y z opacity, scales and red, quaternion wxyz, green, blue, two unused
const CHANGES = 10;  // of a basis: offset (3), log scale (3), opacity, colour (3)

const ACTIVATIONS = {relu: value => Math.max(value, 0), silu: value => value / (1 + Math.exp(-value)), tanh: Math.tanh};

class Gaussians {
  // farthest: from the bound point; largest: standard deviation; both in metres.
  constructor(arrays, {activation, farthest, largest}) {
    Object.assign(this, {arrays, farthest, largest});
    this.activation = ACTIVATIONS[activation];
    this.count = arrays.opacity.shape[0];
    this.change = new Float32Array(this.count * CHANGES);
    this.records = new Float32Array(this.count * RECORD);
  }

  // Expression, jaw and eyes as the first two rows of their matrices, eyelids, and the head's rotation to the camera.
  condition(pose, turns, rotation) {
    const rows = turns.slice(2).flatMap(turn => turn.slice(0, 6));
    const given = [...pose.expression, ...rows, ...pose.eyelids, ...rotation];
    const {condition_low: low, condition_high: high, condition_mean: mean, condition_scale: scale} = this.arrays;
    return given.map((value, place) => {
      const kept = Math.min(Math.max(value, low.values[place]), high.values[place]);
      return (kept - mean.values[place]) / scale.values[place];
    });
  }

  weigh(condition) {
    let values = condition;
    for (let layer = 0; this.arrays[`weights_${layer}`]; layer++) {
      const {shape: [rows, columns], values: weights} = this.arrays[`weights_${layer}`];
      const biases = this.arrays[`biases_${layer}`].values, result = new Array(rows);
      for (let row = 0; row < rows; row++) {
        let total = biases[row];
        for (let column = 0; column < columns; column++) total += weights[row * columns + column] * values[column];
        result[row] = total;
      }
      values = this.arrays[`weights_${layer + 1}`] ? result.map(this.activation) : result;
    }
    return values;
  }

  // Records of all Gaussians, in the head's axes; the array is used again by the next call.
  update(points, weights) {
    const {bases, offset, log_scale: size, opacity, colour, rotation} = this.arrays;
    const change = this.change, records = this.records, length = change.length;
    change.fill(0);
    weights.forEach((weight, basis) => {
      for (let place = 0, at = basis * length; place < length; place++, at++) change[place] += weight * bases.values[at];
    });
    for (let number = 0; number < this.count; number++) {
      const at = number * RECORD, from = number * CHANGES, three = 3 * number, four = 4 * number;
      for (let axis = 0; axis < 3; axis++) change[from + axis] += offset.values[three + axis];
      const share = this.farthest / Math.max(Math.hypot(change[from], change[from + 1], change[from + 2]), this.farthest);
      for (let axis = 0; axis < 3; axis++) {
        records[at + axis] = points[three + axis] + share * change[from + axis];
        records[at + 4 + axis] = Math.min(Math.exp(size.values[three + axis] + change[from + 3 + axis]), this.largest);
      }
      records[at + 3] = sigmoid(opacity.values[number] + change[from + 6]);
      records[at + 7] = sigmoid(colour.values[three] + change[from + 7]);
      for (let part = 0; part < 4; part++) records[at + 8 + part] = rotation.values[four + part];
      records[at + 12] = sigmoid(colour.values[three + 1] + change[from + 8]);
      records[at + 13] = sigmoid(colour.values[three + 2] + change[from + 9]);
    }
    return records;
  }
}

function sigmoid(logit) {
  return 1 / (1 + Math.exp(-logit));
}
