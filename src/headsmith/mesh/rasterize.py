"""Which triangle covers which pixel: a depth-buffered mesh rasterizer on one CPU thread.

The edge functions are those of Pineda, "A Parallel Algorithm for Polygon Rasterization" (SIGGRAPH 1988), section 2; the
perspective correction interpolates 1/depth linearly on the screen (Blinn, "Hyperbolic Interpolation", IEEE CG&A 12(4), 1992).
"""

import numpy as np
from jaxtyping import Float, Int32, Integer

from headsmith.mesh.kernels import cover_pixels, weigh_corners


def rasterize_mesh(
    vertices: Float[np.ndarray, "V 3"],
    faces: Integer[np.ndarray, "F 3"],
    width: int,
    height: int,
    cull: bool,
) -> tuple[Int32[np.ndarray, "H W"], Float[np.ndarray, "H W 3"], Float[np.ndarray, "H W"]]:
    """Finds the nearest face at each pixel centre, with its barycentric coordinates and depth.

    A centre on an edge belongs to both faces beside it, so a closed mesh has no cracks; of two faces at the same depth the one
    with the lower index wins. A face with a corner at depth <= 0 (at or behind the camera), or of no area, covers nothing.
    Releases the GIL; one thread; the same bits each time.

    Args:
        vertices: x and y in pixels (y down, the centre of the first pixel at 0.5, 0.5), depth along the viewing direction in
            any unit. For maps over UV space give texel coordinates with depth 1. The results have their precision.
        faces: Corner indices, `0 <= index < V`.
        width: Pixels in a row.
        height: Rows.
        cull: Leave out faces seen from behind. A face is seen from the front when its corners run counter-clockwise as one
            looks at the image, that is when the mesh's outward faces are counter-clockwise in its own right-handed axes.

    Returns:
        face_ids: Index of the face, -1 where there is none.
        barycentrics: Perspective-correct weights of the face's three corners, summing to 1; 0 where there is no face.
        depth: Interpolated depth; infinity where there is no face.

    Raises:
        ValueError: The size is not positive, a face names a vertex that is not there, or a vertex is not finite.
    """
    check_mesh(vertices, faces, width, height)
    corners = np.ascontiguousarray(vertices)
    triangles = np.ascontiguousarray(faces, dtype=np.int32)
    face_ids = np.full((height, width), -1, np.int32)
    nearness = np.zeros((height, width), corners.dtype)
    barycentrics = np.zeros((height, width, 3), corners.dtype)
    depth = np.full((height, width), np.inf, corners.dtype)
    cover_pixels(corners, triangles, cull, face_ids, nearness)
    weigh_corners(corners, triangles, face_ids, barycentrics, depth)
    return face_ids, barycentrics, depth


def check_mesh(vertices: Float[np.ndarray, "V 3"], faces: Integer[np.ndarray, "F 3"], width: int, height: int) -> None:
    """Accepts a mesh and an image that the compiled loops can work on.

    Raises:
        ValueError: The size is not positive, a face names a vertex that is not there, or a vertex is not finite.
    """
    if width < 1 or height < 1:
        raise ValueError(f"an image of {width} x {height} pixels has no pixels")
    if len(faces) and (faces.min() < 0 or faces.max() >= len(vertices)):
        raise ValueError(f"faces name vertices {faces.min()} to {faces.max()}, but there are {len(vertices)} vertices")
    if not np.isfinite(vertices).all():
        raise ValueError(f"{int((~np.isfinite(vertices)).any(1).sum())} of {len(vertices)} vertices are not finite")
