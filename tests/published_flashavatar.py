"""Modules of the published shape, written for tests from what `docs/flashavatar.md` says of the layout, not from our own."""

import torch
from torch import nn

RATES = {"f_dc": 0.0025, "f_rest": 0.0025 / 20.0, "opacity": 0.05, "scaling": 0.005, "rotation": 0.001}


class Network(nn.Module):
    """The network by the names of its checkpoints."""

    def __init__(self, inputs):
        super().__init__()
        self.fcs = nn.ModuleList([nn.Linear(inputs, 256), *(nn.Linear(256, 256) for _ in range(5))])
        self.output_linear = nn.Linear(256, 10)

    def forward(self, rows):
        for layer in self.fcs:
            rows = torch.relu(layer(rows))
        return torch.tanh(self.output_linear(rows))


class Published:
    """Network, Gaussians and their two optimisers, as a training of FlashAvatar's has them."""

    def __init__(self, rest, condition_size, seed=0):
        torch.manual_seed(seed)
        self.rest, self.degree, self.iteration = rest, 0, 0
        self.network = Network(51 + condition_size)
        count = len(rest)
        start = {
            "f_dc": torch.randn(count, 1, 3) * 0.3,
            "f_rest": torch.randn(count, 15, 3) * 0.1,
            "opacity": torch.randn(count, 1),
            "scaling": torch.full((count, 3), -4.0) + 0.1 * torch.randn(count, 3),
            "rotation": torch.randn(count, 4),
        }
        self.parts = {name: nn.Parameter(value) for name, value in start.items()}
        self.setup()

    def setup(self):
        self.network_adam = torch.optim.Adam([{"params": self.network.parameters(), "lr": 1e-4}], betas=(0.9, 0.999))
        groups = [{"params": [self.parts[name]], "lr": rate, "name": name} for name, rate in RATES.items()]
        self.gaussians_adam = torch.optim.Adam(groups, lr=0.0, eps=1e-15)

    def encoded(self):
        waves = [wave(self.rest * 2**power) for power in range(8) for wave in (torch.sin, torch.cos)]
        return torch.cat([self.rest, *waves], 1)

    def decode(self, points, condition):
        """Return positions, rotations, scales and opacities of a frame."""
        out = self.network(torch.cat([self.encoded(), condition.expand(len(points), -1)], 1))
        (a, b, c, d), (w, x, y, z) = self.parts["rotation"].unbind(1), (out[:, 3].exp(), *out[:, 4:7].unbind(1))
        turned = [
            a * w - b * x - c * y - d * z,
            a * x + b * w + c * z - d * y,
            a * y - b * z + c * w + d * x,
            a * z + b * y - c * x + d * w,
        ]
        scales = torch.exp(self.parts["scaling"] * out[:, 7:].exp())
        return points + out[:, :3], torch.stack(turned, 1), scales, torch.sigmoid(self.parts["opacity"])

    def step(self, loss):
        self.network_adam.zero_grad(set_to_none=True)
        self.gaussians_adam.zero_grad(set_to_none=True)
        loss.backward()
        for name, part in self.parts.items():
            if part.grad is None and name in RATES:
                part.grad = torch.zeros_like(part)
        self.gaussians_adam.step()
        self.network_adam.step()
        self.iteration += 1

    def capture(self):
        count, part = len(self.rest), self.parts
        bookkeeping = torch.zeros(count), torch.zeros(count, 1), torch.zeros(count, 1)
        learned = (part["f_dc"], part["f_rest"], part["scaling"], part["rotation"], part["opacity"])
        moved = (self.rest * self.parts["opacity"]).clone()
        gaussians = (self.degree, moved, *learned, *bookkeeping, self.gaussians_adam.state_dict(), 0)
        return (self.network.state_dict(), self.network_adam.state_dict()), gaussians, self.iteration

    def restore(self, content):
        (network, network_adam), gaussians, self.iteration = content
        self.network.load_state_dict(network)
        self.degree, _, *learned = gaussians[:7]
        self.parts = dict(zip(("f_dc", "f_rest", "scaling", "rotation", "opacity"), learned, strict=True))
        assert all(isinstance(part, nn.Parameter) and part.requires_grad for part in self.parts.values())
        self.setup()
        self.network_adam.load_state_dict(network_adam)
        self.gaussians_adam.load_state_dict(gaussians[10])
