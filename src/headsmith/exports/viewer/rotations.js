// Rotations: matrices are nine numbers, row by row, and act on columns.

const IDENTITY = [1, 0, 0, 0, 1, 0, 0, 0, 1];

// Rodrigues' formula; the angle is the vector's length, radians.
function turnAbout([x, y, z]) {
  const squared = x * x + y * y + z * z, angle = Math.sqrt(squared);
  const sine = squared < 1e-6 ? 1 - squared / 6 : Math.sin(angle) / angle;
  const half = Math.sin(angle / 2);
  const cosine = squared < 1e-6 ? 0.5 - squared / 24 : 2 * half * half / squared;
  return [
    1 - cosine * (y * y + z * z), cosine * x * y - sine * z, cosine * x * z + sine * y,
    cosine * x * y + sine * z, 1 - cosine * (x * x + z * z), cosine * y * z - sine * x,
    cosine * x * z - sine * y, cosine * y * z + sine * x, 1 - cosine * (x * x + y * y),
  ];
}

function multiply(a, b) {
  const product = new Array(9);
  for (let row = 0; row < 9; row += 3)
    for (let column = 0; column < 3; column++)
      product[row + column] = a[row] * b[column] + a[row + 1] * b[3 + column] + a[row + 2] * b[6 + column];
  return product;
}

function apply(m, [x, y, z]) {
  return [m[0] * x + m[1] * y + m[2] * z, m[3] * x + m[4] * y + m[5] * z, m[6] * x + m[7] * y + m[8] * z];
}

function add(a, b) {
  return a.map((value, axis) => value + b[axis]);
}

function subtract(a, b) {
  return a.map((value, axis) => value - b[axis]);
}
