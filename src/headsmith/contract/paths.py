"""Every path of the project, in one place, relative to the working directory.

``{clip}``, ``{variant}``, ``{mask}``, ``{head}``, ``{network}`` and ``{asset}`` are Snakemake wildcards; fill them with
``str.format``.
"""

ASSET_LIST = "config/assets.yaml"
ASSET = "resources/assets/{asset}"
NETWORK = "resources/networks/{network}.onnx"
HEAD = "resources/heads/{head}.npz"

CLIP = "results/{clip}"
FRAMES = f"{CLIP}/frames"
FRAMES_MANIFEST = f"{CLIP}/frames.json"
LANDMARKS = f"{CLIP}/landmarks.npz"
LANDMARKS_SUMMARY = f"{CLIP}/landmarks.json"
MATTE = f"{CLIP}/matte"
MATTE_MANIFEST = f"{CLIP}/matte.json"
PARSING = f"{CLIP}/parsing"
PARSING_MANIFEST = f"{CLIP}/parsing.json"
MASKS = f"{CLIP}/masks/{{mask}}"
MASKS_MANIFEST = f"{CLIP}/masks/{{mask}}.json"
MOUTH_MASKS, HEAD_MASKS = (MASKS.replace("{mask}", mask) for mask in ("mouth", "head"))
MOUTH_MASKS_MANIFEST, HEAD_MASKS_MANIFEST = (MASKS_MANIFEST.replace("{mask}", mask) for mask in ("mouth", "head"))
TRACKING = f"{CLIP}/tracking.npz"
TRACKING_SUMMARY = f"{CLIP}/tracking.json"
TRACKING_TABLE = f"{CLIP}/tracking.csv"
DATASET = f"{CLIP}/dataset"
DATASET_MANIFEST = f"{CLIP}/dataset.json"
AVATAR = f"{CLIP}/avatar/{{variant}}/avatar.pt"
AVATAR_CURVE = f"{CLIP}/avatar/{{variant}}/training.csv"
RENDERS = f"{CLIP}/renders/{{variant}}"
RENDERS_MANIFEST = f"{CLIP}/renders/{{variant}}.json"
RENDERS_VIDEO = f"{CLIP}/renders/{{variant}}.mp4"
SCORES = f"{CLIP}/scores/{{variant}}.json"
SCORES_TABLE = f"{CLIP}/scores/{{variant}}.csv"
QUALITY = f"{CLIP}/quality/{{picture}}.png"
REPORT = f"{CLIP}/report/index.html"
REPORT_MEDIA = f"{CLIP}/report/media"
