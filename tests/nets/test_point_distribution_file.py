"""Models in OpenFace's text format: there and back, and files that are broken or hostile."""

import pytest
import torch
from maths.test_point_distribution import make_model

from headsmith.contract.errors import UserError
from headsmith.nets.point_distribution_file import read_point_distribution, write_point_distribution


@pytest.fixture
def written(tmp_path):
    path = tmp_path / "pdm.txt"
    model = make_model()
    write_point_distribution(path, model)
    return path, model


def test_a_model_comes_back_to_the_last_bit(written):
    path, model = written
    found = read_point_distribution(path)
    for name in ("mean", "modes", "variances"):
        assert torch.equal(getattr(found, name), getattr(model, name))


def test_all_x_come_first_as_openface_has_them(written):
    path, model = written
    lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
    assert lines[:3] == ["36", "1", "6"]
    assert [float(line) for line in lines[3:39]] == model.mean.T.flatten().tolist()


def test_a_file_of_floats_and_other_line_breaks_is_read(written, tmp_path):
    path, model = written
    text = path.read_text().replace("\n6\n", "\n5\n").replace("\n", "\r\n")
    other = tmp_path / "other.txt"
    other.write_bytes(text.encode())
    torch.testing.assert_close(read_point_distribution(other).mean, model.mean)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text[: len(text) // 2], "ends within"),
        (lambda text: "", "ends within"),
        (lambda text: text.replace("36\n1\n6", "99999999\n1\n6", 1), "not a whole number"),
        (lambda text: text.replace("36\n1\n6", "3000\n3000\n6", 1), "read at most"),
        (lambda text: text.replace("36\n1\n6", "36\n1\n21", 1), "type 21"),
        (lambda text: text.replace("36\n1\n6", "-1\n1\n6", 1), "not a whole number"),
        (lambda text: text.replace("36\n1\n6", "36.5\n1\n6", 1), "not a whole number"),
        (lambda text: text.replace("36\n1\n6\n", "36\n1\n6\nnan ", 1), "not finite"),
        (lambda text: text.replace("36\n1\n6\n", "36\n1\n6\n__import__('os') ", 1), "could not convert"),
        (lambda text: text.replace("36\n1\n6\n", "36\n1\n6\n" + "1" * 5000 + " ", 1), "5000 signs"),
        (lambda text: text + "1.0\n", "follow the last"),
        (lambda text: text.replace("300.0", "-300.0"), "not above 0"),
        (lambda text: text.replace("36\n1\n6", "1\n36\n6", 1), "belong together"),
    ],
)
def test_a_broken_file_is_refused_by_what_is_wrong(written, change, message):
    path, _ = written
    path.write_text(change(path.read_text()))
    with pytest.raises(UserError, match=message) as caught:
        read_point_distribution(path)
    assert path.name in caught.value.message


def test_what_is_no_text_file_is_refused(tmp_path):
    for path in (tmp_path / "absent.txt", tmp_path):
        with pytest.raises(UserError, match="cannot be read"):
            read_point_distribution(path)
    binary = tmp_path / "binary.txt"
    binary.write_bytes(b"1\0002")
    with pytest.raises(UserError, match="no text"):
        read_point_distribution(binary)


def test_modes_that_are_not_orthonormal_are_refused(tmp_path):
    model = make_model()
    path = tmp_path / "pdm.txt"
    write_point_distribution(path, type(model)(model.mean, 2 * model.modes, model.variances))
    with pytest.raises(UserError, match="orthonormal"):
        read_point_distribution(path)
