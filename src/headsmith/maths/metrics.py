"""How alike two pictures are: PSNR and SSIM over a mask, and the error of landmarks.

Pictures are ``(H, W, 3)`` arrays with values in 0..1, masks are boolean ``(H, W)``. A mask without a pixel has no score, so it
is an error here: the caller decides what to do with such frames.
"""

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray
from skimage.metrics import structural_similarity

LARGEST_PSNR = 100.0
"""PSNR of equal pictures, in dB, in place of infinity: means stay finite. 8-bit pictures that differ in one value of one
pixel of a megapixel are at 113 dB, so real renders never come near."""


def psnr(truth: Float[ndarray, "H W 3"], picture: Float[ndarray, "H W 3"], mask: Bool[ndarray, "H W"]) -> float:
    """Return the peak signal-to-noise ratio over a mask, ``-10 log10(MSE)``, in dB.

    The squared error is averaged over the mask's pixels and the three channels; the peak is 1. The mask weighs the pixels
    that count: this is not the PSNR of pictures blackened outside the mask, which grows with the picture's empty part.

    Raises:
        ValueError: The mask is empty.
    """
    _need_pixels(mask)
    squared = float(np.mean((truth[mask].astype(np.float64) - picture[mask]) ** 2))
    return LARGEST_PSNR if squared == 0 else min(LARGEST_PSNR, -10 * float(np.log10(squared)))


def ssim_map(truth: Float[ndarray, "H W 3"], picture: Float[ndarray, "H W 3"]) -> Float[ndarray, "H W"]:
    """Return the structural similarity around each pixel, at most 1, averaged over the channels.

    Wang, Bovik, Sheikh, Simoncelli: Image Quality Assessment: From Error Visibility to Structural Similarity, IEEE TIP
    13(4), 2004, equation 13 with section III.B's window (Gaussian, 1.5 pixels, 11x11, weights that sum to 1, hence the
    population covariance) and K1 = 0.01, K2 = 0.03; each channel by itself, as scikit-image does. The window is mirrored
    at the picture's border.
    """
    _, similarity = structural_similarity(
        truth,
        picture,
        data_range=1.0,
        channel_axis=2,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        full=True,
    )
    return similarity.mean(axis=2)


def mean_over(values: Float[ndarray, "H W"], mask: Bool[ndarray, "H W"]) -> float:
    """Return the mean of a map over a mask.

    Raises:
        ValueError: The mask is empty.
    """
    _need_pixels(mask)
    return float(values[mask].mean())


def landmark_error(truth: Float[ndarray, "L 2"], found: Float[ndarray, "L 2"], corners: tuple[int, int]) -> float:
    """Return the mean distance of landmarks, in percent of the true distance between two of them (the eyes' outer corners).

    The normalisation is the *inter-ocular* one of the 300-W challenge (Sagonas et al., Image and Vision Computing 47, 2016,
    equation 1), over whatever landmarks are given.
    """
    unit = np.linalg.norm(truth[corners[0]] - truth[corners[1]])
    return float(100 * np.linalg.norm(truth - found, axis=1).mean() / unit)


def _need_pixels(mask: Bool[ndarray, "H W"]) -> None:
    if not mask.any():
        raise ValueError("the mask is empty")
