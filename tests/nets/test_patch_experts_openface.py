"""OpenFace's files of patch experts: each kind against slow loops, and files that are broken or hostile."""

import struct

import cv2
import numpy as np
import pytest
from nets.openface_files import POINTS, SUPPORT, ccnf_file, cen_file, edges, svr_file

from headsmith.contract.errors import UserError
from headsmith.nets.patch_experts_openface import read_ccnf, read_cen, read_expertise, read_svr

SIDE = 3


@pytest.fixture
def areas():
    noise = np.random.default_rng(3).integers(0, 256, (POINTS, SIDE + SUPPORT - 1, SIDE + SUPPORT - 1))
    return noise.astype(np.float32)


@pytest.fixture
def write(tmp_path):
    def written(content, name="patches"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return written


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def cen_response(area, network):
    """OpenFace's way: patches column by column behind a constant, contrast-normalised, through the layers."""
    weights, biases, _ = network
    out = np.zeros((SIDE, SIDE))
    for row in range(SIDE):
        for column in range(SIDE):
            patch = area[row : row + SUPPORT, column : column + SUPPORT].T.ravel().astype(float)
            patch = patch - patch.mean()
            values = np.concatenate([[1], patch / np.linalg.norm(patch)])
            values = np.maximum(weights[0] @ values + biases[0], 0)
            out[row, column] = sigmoid(weights[1] @ values + biases[1])[0]
    return out


def test_cen_responds_as_openface_does(write, areas):
    content, networks = cen_file()
    experts = read_cen(write(content))
    maps = experts.respond(areas, 0)
    assert (experts.scale, experts.support) == (0.5, SUPPORT)
    for point in (0, 5, 40):
        np.testing.assert_allclose(maps[point], cen_response(areas[point], networks[point]), atol=1e-5)


def test_a_mirrored_expert_sees_the_mirror_image(write, areas):
    content, networks = cen_file(mirrored=(3, 5))
    maps = read_cen(write(content)).respond(areas, 0)
    expected = cen_response(areas[3][:, ::-1], networks[5])[:, ::-1]
    np.testing.assert_allclose(maps[3], expected, atol=1e-5)


def test_the_confidence_of_an_expert_that_is_not_stored_is_its_own(write):
    told = [read_cen(write(cen_file(mirrored=(3, 5), trust=trust)[0])).trust[0] for trust in (0.4, 0.0)]
    assert told[0][3] == 0.4
    assert told[1][3] == told[1][5] == 0.7


def test_experts_of_several_widths_stand_side_by_side(write, areas):
    content, networks = cen_file(hidden={7: 9, 8: 2})
    maps = read_cen(write(content)).respond(areas, 0)
    for point in (6, 7, 8):
        np.testing.assert_allclose(maps[point], cen_response(areas[point], networks[point]), atol=1e-5)


def test_ccnf_responds_as_openface_does(write, areas):
    content, neurons = ccnf_file()
    experts = read_ccnf(write(content))
    maps = experts.respond(areas, 0)
    for point in (0, 9):
        total = np.zeros((SIDE, SIDE))
        for weights, norm, bias, alpha in neurons[point]:
            correlation = cv2.matchTemplate(areas[point], weights, cv2.TM_CCOEFF_NORMED)
            total += 2 * alpha * sigmoid(correlation * norm + bias)
        alphas = sum(facts[3] for facts in neurons[point])
        inverse = 2 * (alphas * np.eye(SIDE**2) + 0.3 * edges(SIDE))
        expected = np.linalg.solve(inverse, total.ravel()).reshape(SIDE, SIDE)
        np.testing.assert_allclose(maps[point], expected - min(expected.min(), 0), atol=1e-4)
    np.testing.assert_allclose(experts.views[1], (0, np.pi / 6, 0))
    assert not experts.visible[1, 0]
    assert (experts.respond(areas, 1)[0] == 0).all()


def test_a_window_that_ccnf_does_not_know_is_refused(write, areas):
    experts = read_ccnf(write(ccnf_file(sides=(7, 9))[0]))
    with pytest.raises(ValueError, match=r"windows of \[7, 9\] pixels, not of 3"):
        experts.respond(areas, 0)


def test_svr_responds_as_openface_does(write, areas):
    content, regressors = svr_file()
    experts = read_svr(write(content))
    maps = experts.respond(areas, 0)
    for point in (0, 2):
        expected = np.ones((SIDE, SIDE))
        for kind, scaling, bias, template in regressors[point]:
            area = areas[point]
            if kind == 1:
                gradient = np.zeros_like(area)
                for y in range(1, len(area) - 1):
                    for x in range(1, len(area) - 1):
                        gradient[y, x] = (area[y, x + 1] - area[y, x - 1]) ** 2 + (area[y + 1, x] - area[y - 1, x]) ** 2
                area = gradient
            correlation = cv2.matchTemplate(area, template.astype(np.float32), cv2.TM_CCOEFF_NORMED)
            expected *= sigmoid(correlation * scaling + bias)
        np.testing.assert_allclose(maps[point], expected, atol=1e-4)


def test_a_folder_gives_its_best_experts_the_coarsest_scale_first(write, tmp_path):
    write(ccnf_file()[0], "ccnf_patches_0.35_general.txt")
    assert read_expertise(tmp_path).about == "CCNF"
    write(cen_file(0.5)[0], "cen_patches_0.50_of.dat")
    write(cen_file(0.25)[0], "cen_patches_0.25_of.dat")
    found = read_expertise(tmp_path)
    assert [experts.scale for experts in found.scales] == [0.25, 0.5]
    assert found.about == "CEN"


@pytest.mark.parametrize("kind", ["cen", "ccnf", "svr"])
@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.999])
def test_files_that_are_cut_off_are_refused(write, kind, share):
    maker, reader = {"cen": (cen_file, read_cen), "ccnf": (ccnf_file, read_ccnf), "svr": (svr_file, read_svr)}[kind]
    content = maker()[0]
    with pytest.raises(UserError, match="not sound"):
        reader(write(content[: int(share * len(content))]))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: data + b"\0", "1 bytes follow"),
        (lambda data: struct.pack("<d", np.nan) + data[8:], "not finite"),
        (lambda data: struct.pack("<d", -1) + data[8:], "pixels a millimetre"),
        (lambda data: data[:8] + struct.pack("<i", 2**30) + data[12:], "number of views"),
        (lambda data: data[:12] + struct.pack("<i", 2**31 - 1) + data[16:], "number of rows"),
        (lambda data: data[:20] + struct.pack("<i", 99) + data[24:], "type 99"),
        (lambda data: data[:12] + struct.pack("<2i", 2**23, 2**23) + data[20:], "ends within"),
    ],
)
def test_hostile_files_are_refused(write, change, message):
    with pytest.raises(UserError, match=message):
        read_cen(write(change(cen_file()[0])))


def test_random_damage_is_an_error_or_harmless(write, areas):
    """Bytes changed at random end in a message, or in experts that can be asked."""
    random = np.random.default_rng(4)
    for maker, reader in ((cen_file, read_cen), (ccnf_file, read_ccnf)):
        content = maker()[0]
        for _ in range(60):
            damaged = bytearray(content)
            for place in random.integers(0, len(content) if random.random() < 0.3 else 600, 4):
                damaged[place] = random.integers(0, 256)
            try:
                experts = reader(write(bytes(damaged)))
            except UserError:
                continue
            assert experts.visible.shape[1] == POINTS


def test_a_folder_without_experts_is_told(tmp_path):
    for place in (tmp_path, tmp_path / "absent"):
        with pytest.raises(UserError, match="no patch experts"):
            read_expertise(place)
