// The rules of headsmith's rasterizer (gsplat 1.5.3): elliptical weighted average with the Jacobian taken no further out than 0.3
// of half the field of view beyond the image, 0.3 square pixels of blur, alpha at most 0.999, nothing below 1/255, nothing nearer
// than 0.01 m. Rows of the target run downwards, as the image's; the second pass turns them and lays the background under.

const SPLAT_VERTEX = `#version 300 es
precision highp float;
precision highp int;
uniform highp sampler2D records;
uniform highp usampler2D numbers;
uniform int across;
uniform mat3 rotation;
uniform vec3 translation;
uniform vec2 focal, principal, size, least, most;
uniform float blur;
flat out vec2 centre;
flat out vec3 conic;
flat out vec4 paint;

mat3 turn(vec4 q) {
  float w = q.x, x = q.y, y = q.z, z = q.w;
  return mat3(
    1.0 - 2.0 * (y * y + z * z), 2.0 * (x * y + w * z), 2.0 * (x * z - w * y),
    2.0 * (x * y - w * z), 1.0 - 2.0 * (x * x + z * z), 2.0 * (y * z + w * x),
    2.0 * (x * z + w * y), 2.0 * (y * z - w * x), 1.0 - 2.0 * (x * x + y * y));
}

void main() {
  int drawn = gl_VertexID >> 2;
  int k = int(texelFetch(numbers, ivec2(drawn % across, drawn / across), 0).r);
  ivec2 place = ivec2(k % across * 4, k / across);
  vec4 where = texelFetch(records, place, 0), scales = texelFetch(records, place + ivec2(1, 0), 0);
  vec4 quaternion = texelFetch(records, place + ivec2(2, 0), 0), rest = texelFetch(records, place + ivec2(3, 0), 0);
  float opacity = where.w;
  vec3 seen = rotation * where.xyz + translation;
  gl_Position = vec4(2.0, 2.0, 2.0, 1.0);
  if (seen.z <= 0.01 || opacity * 255.0 < 1.0) return;
  vec2 slope = clamp(seen.xy / seen.z, least, most), near = focal / seen.z;
  mat3 axes = turn(normalize(quaternion));
  vec3 p = vec3(near.x, 0.0, -near.x * slope.x) * rotation * axes * scales.xyz;
  vec3 q = vec3(0.0, near.y, -near.y * slope.y) * rotation * axes * scales.xyz;
  vec3 n = cross(p, q);
  float area = dot(n, n) + blur * (dot(p, p) + dot(q, q)) + blur * blur;
  float wide = dot(p, p) + blur, high = dot(q, q) + blur;
  conic = vec3(high, -dot(p, q), wide) / area;
  centre = focal * seen.xy / seen.z + principal;
  paint = vec4(scales.w, rest.xy, opacity);
  vec2 corner = vec2(float(gl_VertexID & 1), float(gl_VertexID >> 1 & 1)) * 2.0 - 1.0;
  vec2 pixel = centre + corner * (sqrt(2.0 * log(255.0 * opacity) * vec2(wide, high)) + 1e-3);
  gl_Position = vec4(pixel / size * 2.0 - 1.0, 0.0, 1.0);
}`;

const SPLAT_FRAGMENT = `#version 300 es
precision highp float;
flat in vec2 centre;
flat in vec3 conic;
flat in vec4 paint;
out vec4 result;
void main() {
  vec2 d = gl_FragCoord.xy - centre;
  float sigma = 0.5 * (conic.x * d.x * d.x + conic.z * d.y * d.y) + conic.y * d.x * d.y;
  float alpha = min(paint.w * exp(-sigma), 0.999);
  if (sigma < 0.0 || alpha < 1.0 / 255.0) discard;
  result = vec4(paint.rgb * alpha, alpha);
}`;

const SHOW_VERTEX = `#version 300 es
void main() {
  gl_Position = vec4(vec2(float(gl_VertexID & 1), float(gl_VertexID >> 1)) * 4.0 - 1.0, 0.0, 1.0);
}`;

const SHOW_FRAGMENT = `#version 300 es
precision highp float;
uniform highp sampler2D drawn;
uniform sampler2D plate;
uniform bool plated;
uniform vec3 colour;
uniform vec2 size, stretch, shift;
out vec4 result;
void main() {
  vec2 pixel = vec2(gl_FragCoord.x, size.y - gl_FragCoord.y);
  vec4 over = texelFetch(drawn, ivec2(pixel), 0);
  vec3 under = plated ? texture(plate, pixel * stretch + shift).rgb : colour;
  result = vec4(over.rgb + (1.0 - over.a) * under, 1.0);
}`;
