// Where the head is seen from: turned about its middle by the person at the mouse, on top of how the clip's camera saw it.

const STRAIGHT = [1, 0, 0, 0, -1, 0, 0, 0, -1];  // head to camera, of a head that looks into the camera
const FARTHEST = Math.PI / 2;

class Orbit {
  // facts: the clip's focal, principal, size; the head's middle, and where it is mostly seen, in the camera's axes.
  constructor({focal, principal, size, middle, seen}) {
    this.lens = {focal, principal, size};
    this.middle = middle;
    this.home = {rotation: STRAIGHT, translation: subtract(seen, apply(STRAIGHT, middle))};
    this.reset();
  }

  reset() {
    [this.yaw, this.pitch, this.zoom, this.shift] = [0, 0, 1, [0, 0]];
  }

  // Radians by which the face turns to the picture's right, and down.
  turnBy(right, down) {
    this.yaw -= right;
    this.pitch = Math.min(Math.max(this.pitch + down, -FARTHEST), FARTHEST);
  }

  zoomBy(factor) {
    this.zoom = Math.min(Math.max(this.zoom * factor, 0.3), 12);
  }

  // The camera for a canvas of some pixels for each of the clip's, the head standing as in `pose` or straight ahead.
  camera(density, pose = this.home) {
    const {focal, principal, size} = this.lens, scale = density * this.zoom;
    const turn = multiply(turnAbout([this.pitch, 0, 0]), turnAbout([0, this.yaw, 0]));
    const rotation = multiply(turn, pose.rotation);
    const middle = add(apply(pose.rotation, this.middle), pose.translation);
    return {
      rotation,
      translation: subtract(middle, apply(rotation, this.middle)),
      focal: focal.map(value => value * scale),
      principal: principal.map((value, axis) => scale * (value - size[axis] / 2) + density * (size[axis] / 2 + this.shift[axis])),
      size: size.map(side => Math.round(side * density)),
      scale,
    };
  }
}
