"""Which renderer draws: asked for by name."""

from headsmith.contract.errors import UserError
from headsmith.contract.photometric import OWN, PYTORCH3D
from headsmith.mesh.own_renderer import OwnRenderer
from headsmith.mesh.renderers import Renderer


def open_renderer(name: str, threads: int) -> Renderer:
    """Return the renderer of a name: ``own`` or ``pytorch3d``.

    Args:
        name: Which.
        threads: Threads of our own; the result does not depend on them.

    Raises:
        UserError: PyTorch3D is asked for and cannot be imported.
        ValueError: There is none of that name.
    """
    if name == OWN:
        return OwnRenderer(threads)
    if name != PYTORCH3D:
        raise ValueError(f"no renderer is called {name!r}")
    try:
        from headsmith.mesh.pytorch3d_renderer import Pytorch3dRenderer
    except ImportError as error:
        remedy = "install pytorch3d into the environment, or set tracking.renderer to `own`, which gives the same"
        raise UserError(f"pytorch3d cannot be imported: {error}", remedy=remedy) from error
    return Pytorch3dRenderer()
