// The viewer: holds the pose, the way the head is turned and the background, and draws when one of them has changed.
// `window.headsmith` draws any pose by any camera, for tests and for programs of one's own.

const DENSEST = 3;  // most pixels of the canvas, along a side, for one of the clip's
const QUICK = 40;  // milliseconds that a picture may take while something moves; the picture gets coarser to keep to it
const CALM = 250;  // milliseconds after which a picture at rest is drawn as fine as can be
const BACKGROUNDS = {white: [1, 1, 1], grey: [0.5, 0.5, 0.5], black: [0, 0, 0], green: [0, 1, 0]};

class Viewer {
  constructor(facts, arrays, canvas) {
    this.facts = facts;
    this.arrays = arrays;
    this.canvas = canvas;
    this.head = new Head(arrays);
    this.gaussians = new Gaussians(arrays, facts);
    this.order = new Order(this.gaussians.count);
    this.renderer = new Renderer(canvas, this.gaussians.count);
    if (arrays.plate) this.renderer.setPlate(arrays.plate);
    this.lens = {focal: facts.focal, principal: facts.principal, size: facts.size};
    this.frames = arrays.tracked_ids.shape[0];
    this.pose = this.rest();
    this.orbit = new Orbit(facts);
    this.background = arrays.plate ? "plate" : "white";
    this.density = this.finest = 1;
    this.follow = null;
    this.waiting = false;
  }

  rest() {
    return restPose(this.facts.expression_names.length);
  }

  // A frame of the clip: its pose and how the clip's camera saw it.
  frame(row) {
    const part = (name, length) => {
      const {values} = this.arrays[`tracked_${name}`];
      return Array.from(values.subarray(row * length, row * length + length));
    };
    const eyes = part("eyes", 6);
    return {
      id: this.arrays.tracked_ids.values[row],
      pose: {
        expression: part("expression", this.facts.expression_names.length), jaw: part("jaw", 3),
        eyes: [eyes.slice(0, 3), eyes.slice(3)], eyelids: part("eyelids", 2), neck: part("neck", 3),
      },
      camera: {...this.lens, rotation: part("rotation", 9), translation: part("translation", 3), scale: 1},
    };
  }

  drawNow(pose, camera, background) {
    const points = this.head.pose(pose);
    const condition = this.gaussians.condition(pose, this.head.turns(pose), camera.rotation);
    const records = this.gaussians.update(points, this.gaussians.weigh(condition));
    const numbers = this.order.sort(records, camera.rotation, camera.translation);
    this.renderer.draw(records, numbers, camera, background);
  }

  // What lies behind the head: the plate as the clip's camera saw it, moved with zoom and shift, or a colour.
  behind(background) {
    return background === "plate" ? {plate: this.lens} : {colour: BACKGROUNDS[background] ?? background};
  }

  // Draws soon, once for all changes until then.
  touch() {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      const drawn = this.density, took = this.drawAt(drawn);
      this.density = Math.min(Math.max(drawn * Math.sqrt(QUICK / took), Math.min(1, this.finest)), this.finest);
      clearTimeout(this.refining);
      if (drawn < this.finest) this.refining = setTimeout(() => this.drawAt(this.finest), CALM);
    });
  }

  // Draws as the person at the mouse wants it, so many pixels for one of the clip's; returns the milliseconds that it took.
  drawAt(density) {
    const begun = performance.now();
    const placed = this.follow === null ? undefined : this.frame(this.follow).camera;
    this.drawNow(this.pose, this.orbit.camera(density, placed), this.behind(this.background));
    this.renderer.finish();
    return performance.now() - begun;
  }

  fit(width, height, ratio) {
    const [across, down] = this.facts.size, side = Math.min(width / across, height / down);
    Object.assign(this.canvas.style, {width: `${across * side}px`, height: `${down * side}px`});
    this.shown = side;
    this.finest = Math.min(side * ratio, DENSEST);
    this.density = this.finest;
    this.touch();
  }
}

function start() {
  const facts = JSON.parse(document.getElementById("facts").textContent);
  const listing = JSON.parse(document.getElementById("listing").textContent);
  const block = document.getElementById("arrays"), arrays = unpackArrays(listing, block.textContent);
  block.remove();
  const viewer = new Viewer(facts, arrays, document.getElementById("picture"));
  const desk = new Desk(viewer);
  window.headsmith = {
    facts,
    frames: viewer.frames,
    fine: viewer.renderer.fine,
    frame: row => viewer.frame(row),
    camera: () => viewer.orbit.camera(1),
    render: ({pose, camera, background}) => {
      desk.stop();
      const whole = {scale: 1, ...viewer.orbit.camera(1), ...camera};
      viewer.drawNow({...viewer.rest(), ...pose}, whole, viewer.behind(background ?? viewer.background));
    },
    readPixels: () => viewer.renderer.readPixels(),
  };
}
