"""What the rules of portraits share: their table, and functions from wildcards to inputs."""

from headsmith.contract.portraits import DECA_FILE, check_portraits, read_portraits
from headsmith.contract.stamps import stamp_portrait


def read_portrait_table():
    """Return the portraits, checked; a mistake in them ends the run with a message for people."""
    try:
        found = read_portraits(Path(SETTINGS.portraits.table))
        check_portraits(found, SETTINGS, ASSETS, Path(SETTINGS.portraits.table))
    except UserError as error:
        tell(f"headsmith: {error.message}")
        sys.exit(1)
    return found


PORTRAITS = read_portrait_table()
PORTRAIT_FILES = detector_files(SETTINGS.portraits.detector, SETTINGS.portraits.faces)
OF_PREPARED = ("size", "detector", "faces", "min_confidence", "crop", "margin", "sample_step")
OF_WRITTEN = (*("sample_step", "method", "renderer", "save", "render_orig", "use_texture", "extract_texture", "texture_size"),)
"""Settings of the section `portraits` that preparing and writing use; the fit uses the rest."""
OF_PANELS = ("renderer", "texture_codes", "texture_size")


def portrait_settings(*names):
    """Return these settings of the section `portraits`, so that others re-run nothing."""
    return {name: value for name, value in section(SETTINGS, "portraits").items() if name in names}


def fit_settings():
    """Return the settings of the section `portraits` that the fit uses."""
    others = {"table", *OF_PREPARED, *OF_WRITTEN} - {"size", "method", "renderer"}
    return {name: value for name, value in section(SETTINGS, "portraits").items() if name not in others}


def portrait_pictures(wildcards):
    """Return where a portrait's pictures are. A folder's own time says nothing: see below."""
    portrait = PORTRAITS[wildcards.portrait]
    path = portrait.pictures if portrait.asset is None else paths.ASSET.format(asset=portrait.asset)
    return ancient(path) if Path(path).is_dir() else path


def portrait_points(wildcards):
    """Return the user's own points, where the table of portraits names them."""
    given = PORTRAITS[wildcards.portrait].landmarks
    return {} if given is None else {"landmarks": ancient(given) if Path(given).is_dir() else given}


def portrait_person(wildcards):
    """Return whether a portrait's pictures show one person."""
    return PORTRAITS[wildcards.portrait].person


def portrait_stamp(wildcards):
    """Return what changes when one of a portrait's pictures changes, or the points beside one."""
    portrait = PORTRAITS[wildcards.portrait]
    return stamp_portrait(portrait.pictures, portrait.landmarks) if portrait.asset is None else ""


def portrait_texture(wildcards):
    """Return the texture space that colours the head, where the settings ask for one."""
    return {"texture": SETTINGS.heads.texture} if SETTINGS.portraits.use_texture else {}


def parts_of_fit(wildcards):
    """Return what a fit needs beside the pictures and the head, as the settings have it."""
    chosen = SETTINGS.portraits
    given = (chosen.dposer_shape, chosen.dposer_expression)
    dposer = [path for path in given if path] if chosen.prior == "dposer" else []
    return portrait_texture(wildcards) | ({"dposer": dposer} if dposer else {})


def portrait_files():
    """Return the files of all portraits; where there is none, the run ends with a message for people."""
    if not PORTRAITS:
        remedy = f"add a line to {SETTINGS.portraits.table}: a name, a tab, the path of a picture; docs/portraits.md tells more"
        tell(f"headsmith: the table of portraits holds none\n  remedy: {remedy}")
        sys.exit(1)
    made = [paths.PANELS_MANIFEST, paths.PANELS, paths.DECA_MANIFEST, paths.DECA_FILES]
    return expand(made, portrait=PORTRAITS)


def files_of_texture_space(path):
    """Return a file of each portrait whose pictures count in the texture space; a row that is not there ends the run.

    Fits that already wear the texture space that is to be learned would make a circle.
    """
    chosen = SETTINGS.texture_space.portraits or list(PORTRAITS)
    unknown = [name for name in chosen if name not in PORTRAITS]
    if unknown or not chosen:
        what = (
            f"texture_space.portraits names {', '.join(unknown)}, no row" if unknown else "there are no portraits in the table"
        )
        remedy = f"add rows of pictures of many people to {SETTINGS.portraits.table}; docs/portraits.md tells more"
        tell(f"headsmith: {what}\n  remedy: {remedy}")
        sys.exit(1)
    if SETTINGS.portraits.use_texture and Path(SETTINGS.heads.texture) == Path(paths.TEXTURE_SPACE):
        remedy = f"copy {paths.TEXTURE_SPACE} to a place of its own, and name that in heads.texture"
        tell(f"headsmith: the texture space would be learned from fits that wear it\n  remedy: {remedy}")
        sys.exit(1)
    return expand(path, portrait=chosen)


def unwrapped_chunks(wildcards):
    """Return what the jobs wrote that each unwrapped a share of the texture space's pictures; none where one job does all."""
    return {"chunks": expand(paths.TEXTURE_SPACE_CHUNK, chunk=CHUNKS)} if CHUNKS else {}


def texture_space_files():
    """Return the texture space's files."""
    files_of_texture_space(paths.FITS_MANIFEST)
    return [paths.TEXTURE_SPACE, paths.TEXTURE_SPACE_SUMMARY, paths.TEXTURE_SPACE_PICTURE]
