"""A GLB as pygltflib reads it, evaluated by glTF's own formulas."""

from pathlib import Path

import numpy as np
import pygltflib
from exports.seamed import turn

WORDS = {5121: np.uint8, 5123: np.uint16, 5125: np.uint32, 5126: np.float32}
WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}


class Opened:
    """A GLB through pygltflib, evaluated as *glTF 2.0 Specification*, section 3.7, says."""

    def __init__(self, path: Path) -> None:
        self.tree = pygltflib.GLTF2().load(str(path))
        self.binary = self.tree.binary_blob()
        self.part = self.tree.meshes[0].primitives[0]
        self.faces = self.array(self.part.indices).reshape(-1, 3)

    def array(self, number: int) -> np.ndarray:
        accessor = self.tree.accessors[number]
        view = self.tree.bufferViews[accessor.bufferView]
        width = WIDTHS[accessor.type]
        start = (view.byteOffset or 0) + (accessor.byteOffset or 0)
        values = np.frombuffer(self.binary, WORDS[accessor.componentType], accessor.count * width, start)
        found = values.reshape(accessor.count, width) if width > 1 else values
        if accessor.max:
            np.testing.assert_array_equal(found.max(0), np.float32(accessor.max) if width > 1 else accessor.max[0])
        return found

    def moved(self, place: int | None) -> np.ndarray:
        """Vertices at a key of the animation, or at rest."""
        nodes = [
            {"t": np.array(node.translation or (0, 0, 0)), "r": np.array(node.rotation or (0, 0, 0, 1))}
            for node in self.tree.nodes
        ]
        weights = np.array(self.tree.meshes[0].weights)
        for animation in self.tree.animations if place is not None else []:
            for channel in animation.channels:
                values = self.array(animation.samplers[channel.sampler].output)
                if channel.target.path == "weights":
                    weights = values.reshape(-1, len(weights))[place]
                else:
                    nodes[channel.target.node][channel.target.path[0]] = values[place]
        shifts = [self.array(target["POSITION"]) for target in self.part.targets]
        points = self.array(self.part.attributes.POSITION) + np.einsum("m,mvc->vc", weights, shifts)
        return self.skinned(points, nodes)

    def skinned(self, points: np.ndarray, nodes: list[dict]) -> np.ndarray:
        skin = self.tree.skins[0]
        back = self.array(skin.inverseBindMatrices).reshape(-1, 4, 4).transpose(0, 2, 1)
        world = self.world(nodes)
        matrices = np.stack([world[joint] @ matrix for joint, matrix in zip(skin.joints, back, strict=True)])
        joints = self.array(self.part.attributes.JOINTS_0)
        weights = self.array(self.part.attributes.WEIGHTS_0).astype(np.float64)
        np.testing.assert_allclose(weights.sum(1), 1, atol=1e-6)
        blended = np.einsum("vk,vkij->vij", weights, matrices[joints])
        return np.einsum("vij,vj->vi", blended[:, :3, :3], points) + blended[:, :3, 3]

    def world(self, nodes: list[dict]) -> dict[int, np.ndarray]:
        found = {}

        def visit(number: int, above: np.ndarray) -> None:
            x, y, z, w = nodes[number]["r"].astype(np.float64)
            own = np.eye(4)
            angle = 2 * np.arctan2(np.linalg.norm([x, y, z]), w)
            own[:3, :3] = turn(angle * np.array([x, y, z]) / np.linalg.norm([x, y, z])) if angle else np.eye(3)
            own[:3, 3] = nodes[number]["t"]
            found[number] = above @ own
            for child in self.tree.nodes[number].children or []:
                visit(child, found[number])

        for number in self.tree.scenes[0].nodes:
            visit(number, np.eye(4))
        return found
