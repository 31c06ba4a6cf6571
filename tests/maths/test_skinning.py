import numpy as np
import pytest
import torch

from headsmith.maths.rotations import axis_angle_to_matrix
from headsmith.maths.skinning import (
    add_shapes,
    blend_shapes,
    chain_transforms,
    compose_transforms,
    pose_features,
    rigid_transforms,
    skin_vertices,
)

PARENTS = torch.tensor([-1, 0, 1, 1, 1])


def random_rotations(*shape):
    return axis_angle_to_matrix(torch.randn(*shape, 3, dtype=torch.float64))


def test_blend_shapes_is_the_weighted_sum():
    basis, codes = torch.randn(4, 7, 3), torch.randn(2, 3, 4)
    slow = sum(codes[..., k, None, None] * basis[k] for k in range(4))
    assert torch.allclose(blend_shapes(codes, basis), slow, atol=1e-6)


@pytest.mark.parametrize(
    ("of_base", "of_codes"),
    [((), ()), ((), (4,)), ((1,), (4,)), ((4,), (4,)), ((4,), ()), ((1, 1), (4,)), ((1,), (2, 3)), ((2, 1), (3,))],
)
def test_shapes_are_added_to_any_base(of_base, of_codes):
    shapes = ((*of_base, 5, 3), (*of_codes, 4), (4, 5, 3))
    base, codes, basis = (torch.randn(*shape, dtype=torch.float64) for shape in shapes)
    assert torch.allclose(add_shapes(base, codes, basis), base + blend_shapes(codes, basis), atol=1e-12)
    none = add_shapes(base, codes[..., :0], basis[:0])
    assert torch.equal(none, base.expand(none.shape))


def test_blend_shapes_of_no_codes_is_zero():
    assert torch.equal(blend_shapes(torch.zeros(2, 0), torch.zeros(0, 5, 3)), torch.zeros(2, 5, 3))


def test_a_rigid_transform_keeps_its_origin():
    torch.manual_seed(0)
    rotation, origin = random_rotations(3), torch.randn(3, 3, dtype=torch.float64)
    transform = rigid_transforms(rotation, origin)
    moved = (transform[..., :3] @ origin[..., None])[..., 0] + transform[..., 3]
    assert torch.allclose(moved, origin)


def test_chain_and_skinning_agree_with_a_slow_loop_over_homogeneous_matrices():
    torch.manual_seed(1)
    rotations, joints = random_rotations(5), torch.randn(5, 3, dtype=torch.float64)
    vertices = torch.randn(20, 3, dtype=torch.float64)
    weights = torch.rand(20, 5, dtype=torch.float64)
    weights /= weights.sum(1, keepdim=True)
    fast = skin_vertices(vertices, chain_transforms(rotations, joints, PARENTS), weights).numpy()

    world = []
    for joint, parent in enumerate(PARENTS.tolist()):
        local = np.eye(4)
        local[:3, :3] = rotations[joint]
        local[:3, 3] = joints[joint] - (joints[parent] if parent >= 0 else 0)
        world.append(local if parent < 0 else world[parent] @ local)
    for index in range(20):
        result = np.zeros(3)
        for joint in range(5):
            at_rest = np.eye(4)
            at_rest[:3, 3] = -joints[joint]
            point = world[joint] @ at_rest @ np.append(vertices[index], 1)
            result += weights[index, joint].item() * point[:3]
        np.testing.assert_allclose(fast[index], result, atol=1e-12)


def test_leading_shapes_broadcast():
    torch.manual_seed(2)
    transforms = chain_transforms(random_rotations(4, 2, 5), torch.randn(4, 2, 5, 3, dtype=torch.float64), PARENTS)
    vertices, weights = torch.randn(6, 3, dtype=torch.float64), torch.full((6, 5), 0.2, dtype=torch.float64)
    moved = skin_vertices(vertices, transforms, weights)
    assert moved.shape == (4, 2, 6, 3)
    assert torch.allclose(moved[3, 1], skin_vertices(vertices, transforms[3, 1], weights))


def test_compose_applies_the_second_first():
    torch.manual_seed(3)
    first = torch.cat([random_rotations(1)[0], torch.randn(3, 1, dtype=torch.float64)], 1)
    second = torch.cat([random_rotations(1)[0], torch.randn(3, 1, dtype=torch.float64)], 1)
    point = torch.randn(3, dtype=torch.float64)
    stepwise = first[:, :3] @ (second[:, :3] @ point + second[:, 3]) + first[:, 3]
    both = compose_transforms(first, second)
    assert torch.allclose(both[:, :3] @ point + both[:, 3], stepwise)


def test_pose_features_are_zero_at_rest_and_leave_out_the_root():
    rotations = torch.eye(3).expand(5, 3, 3).clone()
    rotations[0] = axis_angle_to_matrix(torch.tensor([0.5, 0.0, 0.0]))
    assert torch.equal(pose_features(rotations), torch.zeros(36))
    rotations[2] = axis_angle_to_matrix(torch.tensor([0.3, 0.0, 0.0]))
    features = pose_features(rotations)
    assert torch.isclose(features[9 + 7], torch.tensor(0.3).sin())
    assert features[:9].abs().max() == 0


def test_gradients_match_finite_differences():
    torch.manual_seed(4)
    weights = torch.rand(3, 5, dtype=torch.float64)
    vertices, joints, angles = (torch.randn(*s, dtype=torch.float64, requires_grad=True) for s in ((3, 3), (5, 3), (5, 3)))

    def moved(vertices, joints, angles):
        return skin_vertices(vertices, chain_transforms(axis_angle_to_matrix(angles), joints, PARENTS), weights)

    assert torch.autograd.gradcheck(moved, (vertices, joints, angles))
