// Mouse, keys and buttons.

const TURN = 0.008;  // radians a pixel

class Desk {
  constructor(viewer) {
    this.viewer = viewer;
    this.playing = false;
    this.panel = new Panel(document.getElementById("sliders"), makeControls(viewer.facts), (control, value) => {
      this.stop();
      control.write(viewer.pose, value);
      this.refresh();
    });
    this.listenToPicture(viewer.canvas);
    this.listenToButtons();
    const stage = document.getElementById("stage");
    new ResizeObserver(() => viewer.fit(stage.clientWidth, stage.clientHeight, window.devicePixelRatio)).observe(stage);
    this.refresh();
  }

  refresh() {
    this.panel.show(this.viewer.pose);
    this.viewer.touch();
  }

  listenToPicture(canvas) {
    const {orbit} = this.viewer;
    canvas.addEventListener("pointerdown", event => canvas.setPointerCapture(event.pointerId));
    canvas.addEventListener("pointermove", event => {
      if (!canvas.hasPointerCapture(event.pointerId)) return;
      if (event.shiftKey || event.buttons & 6) {
        orbit.shift = [event.movementX, event.movementY].map((moved, axis) => orbit.shift[axis] + moved / this.viewer.shown);
      } else {
        orbit.turnBy(event.movementX * TURN, event.movementY * TURN);
      }
      this.viewer.touch();
    });
    canvas.addEventListener("contextmenu", event => event.preventDefault());
    canvas.addEventListener("wheel", event => {
      event.preventDefault();
      orbit.zoomBy(Math.exp(-event.deltaY * 0.0015));
      this.viewer.touch();
    }, {passive: false});
    canvas.addEventListener("keydown", event => this.press(event));
  }

  press(event) {
    const step = 0.05, moves = {ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step]};
    if (moves[event.key]) this.viewer.orbit.turnBy(...moves[event.key]);
    else if (event.key === "+" || event.key === "-") this.viewer.orbit.zoomBy(event.key === "+" ? 1.1 : 1 / 1.1);
    else return;
    event.preventDefault();
    this.viewer.touch();
  }

  listenToButtons() {
    const {viewer} = this, find = name => document.getElementById(name);
    find("reset").addEventListener("click", () => {
      this.stop();
      viewer.pose = viewer.rest();
      viewer.follow = null;
      viewer.orbit.reset();
      this.refresh();
    });
    for (const option of [...(viewer.arrays.plate ? ["plate"] : []), ...Object.keys(BACKGROUNDS)])
      find("background").append(new Option(option, option));
    find("background").addEventListener("change", event => {
      viewer.background = event.target.value;
      viewer.touch();
    });
    if (viewer.frames === 0) {
      find("motion").remove();
      return;
    }
    find("play").addEventListener("click", () => this.playing ? this.stop() : this.play());
    find("row").max = viewer.frames - 1;
    find("row").addEventListener("input", event => {
      this.stop();
      this.showFrame(Number(event.target.value));
    });
    find("turns").addEventListener("change", () => this.showFrame(Number(find("row").value)));
  }

  showFrame(row) {
    const {id, pose} = this.viewer.frame(row);
    this.viewer.pose = pose;
    this.viewer.follow = document.getElementById("turns").checked ? row : null;
    document.getElementById("row").value = row;
    document.getElementById("number").textContent = id;
    this.refresh();
  }

  play() {
    const begun = performance.now(), first = Number(document.getElementById("row").value);
    this.playing = true;
    document.getElementById("play").textContent = "Stop";
    const step = now => {
      if (!this.playing) return;
      this.showFrame((first + Math.round((now - begun) / 1000 * this.viewer.facts.rate)) % this.viewer.frames);
      requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
  }

  stop() {
    if (!this.playing) return;
    this.playing = false;
    document.getElementById("play").textContent = "Play";
  }
}

function begin() {
  try {
    start();
  } catch (error) {
    const message = document.getElementById("message");
    message.textContent = `The avatar cannot be shown: ${error.message}`;
    message.hidden = false;
    throw error;
  }
}

begin();
