// Draws sorted Gaussians by WebGL2: far to near into a target of 16-bit floats, then over a background into the canvas.

const MARGIN = 0.3;
const BLUR = 0.3;
const ACROSS = 512;  // Gaussians in a row of the texture that holds them

class Renderer {
  constructor(canvas, count) {
    this.canvas = canvas;
    this.gl = canvas.getContext("webgl2", {alpha: false, antialias: false, depth: false, preserveDrawingBuffer: true});
    if (!this.gl) throw new Error("This browser has no WebGL2, which drawing the avatar needs.");
    this.fine = this.gl.getExtension("EXT_color_buffer_float") !== null;
    this.count = count;
    this.splat = this.program(SPLAT_VERTEX, SPLAT_FRAGMENT);
    this.show = this.program(SHOW_VERTEX, SHOW_FRAGMENT);
    this.records = this.texture(this.gl.NEAREST);
    this.numbers = this.texture(this.gl.NEAREST);
    this.plate = this.texture(this.gl.LINEAR);
    this.target = this.texture(this.gl.NEAREST);
    this.frame = this.gl.createFramebuffer();
    this.rows = Math.ceil(count / ACROSS);
    this.padded = new Float32Array(ACROSS * this.rows * RECORD);
    this.paddedNumbers = new Uint32Array(ACROSS * this.rows);
    this.prepareCorners();
  }

  program(vertex, fragment) {
    const gl = this.gl, program = gl.createProgram();
    for (const [kind, text] of [[gl.VERTEX_SHADER, vertex], [gl.FRAGMENT_SHADER, fragment]]) {
      const shader = gl.createShader(kind);
      gl.shaderSource(shader, text);
      gl.compileShader(shader);
      if (!gl.getShaderParameter(shader, gl.COMPILE_STATUS)) throw new Error(gl.getShaderInfoLog(shader));
      gl.attachShader(program, shader);
    }
    gl.linkProgram(program);
    if (!gl.getProgramParameter(program, gl.LINK_STATUS)) throw new Error(gl.getProgramInfoLog(program));
    const places = {};
    for (let k = 0; k < gl.getProgramParameter(program, gl.ACTIVE_UNIFORMS); k++) {
      const {name} = gl.getActiveUniform(program, k);
      places[name] = gl.getUniformLocation(program, name);
    }
    return {program, places};
  }

  texture(filter) {
    const gl = this.gl, texture = gl.createTexture();
    gl.bindTexture(gl.TEXTURE_2D, texture);
    for (const name of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) gl.texParameteri(gl.TEXTURE_2D, name, filter);
    for (const name of [gl.TEXTURE_WRAP_S, gl.TEXTURE_WRAP_T]) gl.texParameteri(gl.TEXTURE_2D, name, gl.CLAMP_TO_EDGE);
    return texture;
  }

  // Two triangles for each Gaussian: not one instance each, which some drivers draw one after the other.
  prepareCorners() {
    const gl = this.gl, corners = new Uint32Array(6 * this.count);
    for (let place = 0; place < this.count; place++) corners.set([0, 1, 2, 2, 1, 3].map(corner => 4 * place + corner), 6 * place);
    this.corners = gl.createVertexArray();
    gl.bindVertexArray(this.corners);
    gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, gl.createBuffer());
    gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, corners, gl.STATIC_DRAW);
    this.plain = gl.createVertexArray();
    gl.bindVertexArray(this.plain);
  }

  // A picture of the background, RGB, rows downwards.
  setPlate({shape: [height, width], values}) {
    const gl = this.gl;
    this.plateSize = [width, height];
    gl.bindTexture(gl.TEXTURE_2D, this.plate);
    gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGB8, width, height, 0, gl.RGB, gl.UNSIGNED_BYTE, values);
  }

  resize([width, height]) {
    const gl = this.gl, {canvas} = this;
    if (canvas.width === width && canvas.height === height && this.sized) return;
    [canvas.width, canvas.height, this.sized] = [width, height, true];
    const [inner, kind] = this.fine ? [gl.RGBA16F, gl.HALF_FLOAT] : [gl.RGBA8, gl.UNSIGNED_BYTE];
    gl.bindTexture(gl.TEXTURE_2D, this.target);
    gl.texImage2D(gl.TEXTURE_2D, 0, inner, width, height, 0, gl.RGBA, kind, null);
    gl.bindFramebuffer(gl.FRAMEBUFFER, this.frame);
    gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, this.target, 0);
  }

  // camera: rotation, translation, focal, principal, size, scale (pixels for one of the clip's); background: see lay.
  draw(records, numbers, camera, background) {
    this.resize(camera.size);
    this.upload(records, numbers);
    this.blend(camera);
    this.lay(camera, background);
  }

  upload(records, numbers) {
    const gl = this.gl;
    this.padded.set(records);
    this.paddedNumbers.set(numbers);
    gl.bindTexture(gl.TEXTURE_2D, this.records);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA32F, 4 * ACROSS, this.rows, 0, gl.RGBA, gl.FLOAT, this.padded);
    gl.bindTexture(gl.TEXTURE_2D, this.numbers);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.R32UI, ACROSS, this.rows, 0, gl.RED_INTEGER, gl.UNSIGNED_INT, this.paddedNumbers);
  }

  blend({rotation, translation, focal, principal, size, scale}) {
    const gl = this.gl, {program, places} = this.splat;
    const limits = [0, 1].map(axis => {
      const margin = MARGIN * 0.5 * size[axis] / focal[axis];
      return [-principal[axis] / focal[axis] - margin, (size[axis] - principal[axis]) / focal[axis] + margin];
    });
    gl.bindFramebuffer(gl.FRAMEBUFFER, this.frame);
    gl.viewport(0, 0, ...size);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT);
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
    gl.useProgram(program);
    this.bindTexture(0, this.records, places.records);
    this.bindTexture(1, this.numbers, places.numbers);
    gl.uniform1i(places.across, ACROSS);
    gl.uniformMatrix3fv(places.rotation, true, rotation);
    gl.uniform3fv(places.translation, translation);
    gl.uniform2fv(places.focal, focal);
    gl.uniform2fv(places.principal, principal);
    gl.uniform2fv(places.size, size);
    gl.uniform2fv(places.least, limits.map(pair => pair[0]));
    gl.uniform2fv(places.most, limits.map(pair => pair[1]));
    gl.uniform1f(places.blur, BLUR * scale * scale);
    gl.bindVertexArray(this.corners);
    gl.drawElements(gl.TRIANGLES, 6 * this.count, gl.UNSIGNED_INT, 0);
    gl.disable(gl.BLEND);
  }

  // background: {colour: RGB in 0..1}, or {plate: {focal, principal}}, the camera that the plate was seen by.
  lay({focal, principal, size}, background) {
    const gl = this.gl, {program, places} = this.show, plated = background.plate !== undefined;
    gl.bindFramebuffer(gl.FRAMEBUFFER, null);
    gl.viewport(0, 0, ...size);
    gl.useProgram(program);
    this.bindTexture(0, this.target, places.drawn);
    this.bindTexture(1, this.plate, places.plate);
    gl.uniform1i(places.plated, plated ? 1 : 0);
    gl.uniform2fv(places.size, size);
    if (plated) {
      const ratio = [0, 1].map(axis => background.plate.focal[axis] / focal[axis]);
      gl.uniform2fv(places.stretch, ratio.map((value, axis) => value / this.plateSize[axis]));
      gl.uniform2fv(places.shift, ratio.map(
        (value, axis) => (background.plate.principal[axis] - value * principal[axis]) / this.plateSize[axis]));
    } else {
      gl.uniform3fv(places.colour, background.colour);
    }
    gl.bindVertexArray(this.plain);
    gl.drawArrays(gl.TRIANGLES, 0, 3);
  }

  bindTexture(unit, texture, place) {
    const gl = this.gl;
    gl.activeTexture(gl.TEXTURE0 + unit);
    gl.bindTexture(gl.TEXTURE_2D, texture);
    gl.uniform1i(place, unit);
  }

  // Waits until all is drawn.
  finish() {
    const gl = this.gl;
    gl.bindFramebuffer(gl.FRAMEBUFFER, null);
    gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(4));
  }

  // RGBA, 8 bits, rows downwards.
  readPixels() {
    const gl = this.gl, {width, height} = this.canvas, bytes = new Uint8Array(4 * width * height);
    gl.bindFramebuffer(gl.FRAMEBUFFER, null);
    gl.readPixels(0, 0, width, height, gl.RGBA, gl.UNSIGNED_BYTE, bytes);
    const turned = new Uint8Array(bytes.length);
    for (let row = 0; row < height; row++)
      turned.set(bytes.subarray(4 * width * (height - 1 - row), 4 * width * (height - row)), 4 * width * row);
    return turned;
  }
}
