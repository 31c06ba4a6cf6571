// The person's head, as far as it carries Gaussians: a pose moves its vertices, and with them the bound points.
// FLAME's order: displacements of expression, eyelids and pose correctives first, then a chain of joints, blended by weights.

class Head {
  constructor(arrays) {
    this.arrays = arrays;
    this.count = arrays.vertices.shape[0];
    this.gaussians = arrays.corners.shape[0];
    this.displaced = new Float32Array(3 * this.count);
    this.posed = new Float32Array(3 * this.count);
    this.points = new Float32Array(3 * this.gaussians);
  }

  // Of root, neck, jaw, left and right eye, against their parents.
  turns(pose) {
    return [IDENTITY, ...[pose.neck, pose.jaw, ...pose.eyes].map(turnAbout)];
  }

  // Bound points in the head's axes, metres; the array is used again by the next call.
  pose(pose) {
    const turns = this.turns(pose);
    this.displace(pose, turns);
    this.skin(this.transforms(pose, turns));
    return this.bind();
  }

  displace(pose, turns) {
    this.displaced.set(this.arrays.vertices.values);
    this.addShapes(this.arrays.expression, pose.expression);
    this.addShapes(this.arrays.eyelids, pose.eyelids);
    const features = turns.slice(1).flatMap(turn => turn.map((entry, place) => entry - IDENTITY[place]));
    this.addShapes(this.arrays.correctives, features);
  }

  addShapes({shape, values}, codes) {
    const length = 3 * this.count;
    for (let code = 0; code < shape[0]; code++) {
      const weight = codes[code];
      if (weight === 0) continue;
      for (let place = 0, at = code * length; place < length; place++, at++) this.displaced[place] += weight * values[at];
    }
  }

  // Each joint's rotation and shift of points at rest, its ancestors' applied.
  transforms(pose, turns) {
    const joints = Array.from(this.arrays.joints.values), moves = this.arrays.joints_expression;
    for (let code = 0; code < moves.shape[0]; code++)
      for (let place = 0; place < joints.length; place++)
        joints[place] += pose.expression[code] * moves.values[code * joints.length + place];
    const found = [];
    turns.forEach((turn, joint) => {
      const place = joints.slice(3 * joint, 3 * joint + 3), shift = subtract(place, apply(turn, place));
      const parent = found[this.arrays.parents.values[joint] - 1];
      found.push(parent ? {turn: multiply(parent.turn, turn), shift: add(apply(parent.turn, shift), parent.shift)} : {turn, shift});
    });
    return found;
  }

  skin(transforms) {
    const weights = this.arrays.skinning.values, joints = transforms.length, blend = new Float64Array(12);
    const rows = transforms.map(({turn, shift}) => [...turn, ...shift]);
    for (let vertex = 0; vertex < this.count; vertex++) {
      blend.fill(0);
      for (let joint = 0; joint < joints; joint++) {
        const weight = weights[vertex * joints + joint];
        if (weight !== 0) for (let entry = 0; entry < 12; entry++) blend[entry] += weight * rows[joint][entry];
      }
      const at = 3 * vertex, x = this.displaced[at], y = this.displaced[at + 1], z = this.displaced[at + 2];
      this.posed[at] = blend[0] * x + blend[1] * y + blend[2] * z + blend[9];
      this.posed[at + 1] = blend[3] * x + blend[4] * y + blend[5] * z + blend[10];
      this.posed[at + 2] = blend[6] * x + blend[7] * y + blend[8] * z + blend[11];
    }
  }

  bind() {
    const corners = this.arrays.corners.values, shares = this.arrays.barycentrics.values;
    for (let at = 0; at < 3 * this.gaussians; at += 3) {
      const a = 3 * corners[at], b = 3 * corners[at + 1], c = 3 * corners[at + 2];
      for (let axis = 0; axis < 3; axis++)
        this.points[at + axis] =
          shares[at] * this.posed[a + axis] + shares[at + 1] * this.posed[b + axis] + shares[at + 2] * this.posed[c + axis];
    }
    return this.points;
  }
}
