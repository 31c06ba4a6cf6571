from dataclasses import replace

import pytest

from headsmith.heads.model import HeadModel


@pytest.fixture(scope="session")
def anny_model(anny_container):
    return HeadModel.from_container(anny_container)


@pytest.fixture
def pose(anny_model):
    """A function from changes (name=tensor row values) to vertices of the Anny head."""

    def vertices(**changes):
        parameters = anny_model.neutral()
        for name, entries in changes.items():
            value = getattr(parameters, name).clone()
            for place, number in entries.items():
                value[place] = number
            parameters = replace(parameters, **{name: value})
        return anny_model(parameters)

    return vertices
