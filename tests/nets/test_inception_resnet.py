"""Inception-ResNet v1: the published names and shapes, what its vectors are, what it refuses.

The list of names is compressed by their rules; it was compared once with the state dict of facenet-pytorch 2.6.0's own module.
The published weights are out of reach here.
"""

import numpy as np
import pytest
import torch

from headsmith.contract.errors import UserError
from headsmith.nets.inception_resnet import InceptionResnet, embed_face, load_inception_resnet


def convolution(name, before, after, sides):
    parts = ("weight", "bias", "running_mean", "running_var")
    shapes = {f"{name}.conv.weight": (after, before, *sides), f"{name}.bn.num_batches_tracked": ()}
    return shapes | {f"{name}.bn.{part}": (after,) for part in parts}


def branch(name, before, layers):
    shapes = {}
    for index, (after, *sides) in enumerate(layers):
        shapes |= convolution(f"{name}.{index}", before, after, sides)
        before = after
    return shapes


def residual(name, width, first, second, mixed):
    shapes = convolution(f"{name}.branch0", width, first, (1, 1)) | branch(f"{name}.branch1", width, second)
    return shapes | {f"{name}.conv2d.weight": (width, mixed, 1, 1), f"{name}.conv2d.bias": (width,)}


def published():
    stem = [("1a", 3, 32, 3), ("2a", 32, 32, 3), ("2b", 32, 64, 3), ("3b", 64, 80, 1), ("4a", 80, 192, 3), ("4b", 192, 256, 3)]
    shapes = {}
    for name, before, after, side in stem:
        shapes |= convolution(f"conv2d_{name}", before, after, (side, side))
    for index in range(5):
        shapes |= residual(f"repeat_1.{index}", 256, 32, [(32, 1, 1), (32, 3, 3)], 96)
        shapes |= branch(f"repeat_1.{index}.branch2", 256, [(32, 1, 1), (32, 3, 3), (32, 3, 3)])
        shapes |= residual(f"repeat_3.{index}", 1792, 192, [(192, 1, 1), (192, 1, 3), (192, 3, 1)], 384)
    for index in range(10):
        shapes |= residual(f"repeat_2.{index}", 896, 128, [(128, 1, 1), (128, 1, 7), (128, 7, 1)], 256)
    shapes |= residual("block8", 1792, 192, [(192, 1, 1), (192, 1, 3), (192, 3, 1)], 384)
    shapes |= convolution("mixed_6a.branch0", 256, 384, (3, 3))
    shapes |= branch("mixed_6a.branch1", 256, [(192, 1, 1), (192, 3, 3), (256, 3, 3)])
    shapes |= branch("mixed_7a.branch0", 896, [(256, 1, 1), (384, 3, 3)])
    shapes |= branch("mixed_7a.branch1", 896, [(256, 1, 1), (256, 3, 3)])
    shapes |= branch("mixed_7a.branch2", 896, [(256, 1, 1), (256, 3, 3), (256, 3, 3)])
    last = ("weight", "bias", "running_mean", "running_var")
    shapes |= {f"last_bn.{part}": (512,) for part in last} | {"last_bn.num_batches_tracked": ()}
    return shapes | {"last_linear.weight": (512, 1792), "logits.weight": (8631, 512), "logits.bias": (8631,)}


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("faces") / "20180402-114759-vggface2.pt"
    torch.save(InceptionResnet().state_dict(), path)
    return load_inception_resnet(path)


def test_names_and_shapes_are_the_published_ones(network):
    assert {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()} == published()
    assert sum(parameter.numel() for parameter in network.parameters()) == 27_910_327


def test_a_face_is_a_vector_of_length_one(network, portraits):
    first = embed_face(network, portraits[0], (60.0, 40.0, 190.0, 210.0))
    assert first.shape == (512,)
    assert np.linalg.norm(first) == pytest.approx(1, abs=1e-5)
    assert np.array_equal(first, embed_face(network, portraits[0], (60.9, 40.2, 190.4, 210.9)))
    assert not np.allclose(first, embed_face(network, portraits[5], (20.0, 0.0, 190.0, 210.0)))


def test_only_the_part_inside_the_picture_counts(network, portraits):
    beyond = embed_face(network, portraits[0], (-30.0, -9.0, 300.0, 999.0))
    assert np.array_equal(beyond, embed_face(network, portraits[0], (0.0, 0.0, 256.0, 256.0)))
    with pytest.raises(ValueError, match="covers no pixel"):
        embed_face(network, portraits[0], (300.0, 10.0, 400.0, 90.0))
    with pytest.raises(ValueError, match="covers no pixel"):
        embed_face(network, portraits[0], (-90.0, -90.0, -10.0, -10.0))


def test_weights_of_another_data_set_need_their_number_of_people(tmp_path):
    torch.save(InceptionResnet(100).state_dict(), tmp_path / "other.pt")
    with pytest.raises(UserError, match=r"logits.weight is \(100, 512\), not \(8631, 512\)"):
        load_inception_resnet(tmp_path / "other.pt")
    assert load_inception_resnet(tmp_path / "other.pt", 100).logits.out_features == 100
