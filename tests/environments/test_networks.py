"""Each network of MTCNN runs in each environment with torch: a crash in one, as once in a convolution, names its versions."""

import json
import re

import pytest
from environments.kit import MADE, Kit, conda_kit  # noqa: F401 (a fixture)
from workflow.house import ROOT

ENVS = sorted(path.stem for path in (ROOT / "envs").glob("*.in") if re.search(r"^torch\b", path.read_text(), re.MULTILINE))
FILES = {"ProposalNetwork": "mtcnn/pnet.pt", "RefinementNetwork": "mtcnn/rnet.pt", "OutputNetwork": "mtcnn/onet.pt"}
SMOKE = """
import faulthandler, json, platform, sys
from importlib.metadata import distributions
faulthandler.enable()
wanted = ("torch", "numpy", "opencv-contrib-python", "opencv-python-headless")
told = {item.name: item.version for item in distributions() if item.name in wanted}
print("versions:", platform.python_version(), told, file=sys.stderr, flush=True)
import torch
from pathlib import Path
from headsmith.nets import mtcnn_networks
from headsmith.nets.weights import load_weights
SIDES = {"ProposalNetwork": [(1, 12, 12), (2, 97, 131)], "RefinementNetwork": [(1, 24, 24), (700, 24, 24)]}
for name, path in json.loads(sys.argv[1]).items():
    print("at work:", name, file=sys.stderr, flush=True)
    network = load_weights(getattr(mtcnn_networks, name)(), Path(path), what=name, remedy="fetch it")
    for count, height, width in SIDES.get(name, [(1, 48, 48), (300, 48, 48)]):
        pictures = torch.rand(count, 3, height, width, generator=torch.Generator().manual_seed(0)) * 2 - 1
        assert all(part.isfinite().all() for part in network(pictures)), name
"""


def test_the_environments_with_torch_are_known() -> None:
    assert {"avatar", "gpu", "show", "vision"} == set(ENVS)


@pytest.mark.parametrize("env", ENVS)
def test_each_network_of_mtcnn_runs(conda_kit: Kit, env: str, asset) -> None:  # noqa: F811
    if env not in MADE:
        pytest.skip(f"tests do not create {env}, whose packages are CUDA's: gigabytes")
    if env not in conda_kit.environments():
        pytest.skip("there is no CPython for it on this machine")
    files = json.dumps({name: str(asset(file)) for name, file in FILES.items()})
    done = conda_kit.python(env, "-c", SMOKE, files)
    assert done.returncode == 0, f"in the environment {env}:\n{done.stderr}"
    assert done.stderr.count("at work") == len(FILES)
