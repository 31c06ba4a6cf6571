"""What can be asked for by name. Each target collects a stage's files over all clips and variants."""


rule frames:
    input:
        expand([paths.FRAMES_MANIFEST, paths.FRAMES], clip=CLIPS),
    localrule: True


rule landmarks:
    input:
        expand(paths.LANDMARKS, clip=CLIPS),
    localrule: True


rule patch_experts:
    input:
        paths.POINT_DISTRIBUTION,
        paths.PATCH_EXPERTS,
    localrule: True


rule mattes:
    input:
        expand([paths.MATTE_MANIFEST, paths.MATTE], clip=CLIPS),
    localrule: True


rule parsing:
    input:
        expand([paths.PARSING_MANIFEST, paths.PARSING], clip=CLIPS),
    localrule: True


for mask in SETTINGS.masks.sets:

    rule:
        name:
            f"{mask}_masks"
        input:
            expand([paths.MASKS_MANIFEST, paths.MASKS], clip=CLIPS, mask=mask),
        localrule: True


rule masks:
    input:
        expand([paths.MASKS_MANIFEST, paths.MASKS], clip=CLIPS, mask=SETTINGS.masks.sets),
    localrule: True


rule tracking:
    input:
        expand(paths.TRACKING, clip=CLIPS),
    localrule: True


rule convert_head:
    input:
        converted_files,
    localrule: True


rule dataset:
    input:
        expand([paths.DATASET_MANIFEST, paths.DATASET], clip=CLIPS),
    localrule: True


rule exports:
    input:
        expand([paths.EXPORT_MANIFEST, paths.EXPORT], clip=CLIPS, export=SETTINGS.exports.formats),
    localrule: True


for export in EXPORTS:

    rule:
        name:
            export
        input:
            expand([paths.EXPORT_MANIFEST, paths.EXPORT], clip=CLIPS, export=export),
        localrule: True


rule portraits:
    input:
        lambda wildcards: portrait_files(),
    localrule: True


rule texture_space:
    input:
        lambda wildcards: texture_space_files(),
    localrule: True


rule validate_dataset:
    input:
        validated_files(),
    localrule: True


rule avatars:
    input:
        expand(paths.AVATAR, clip=CLIPS, variant=VARIANTS),
    localrule: True


rule checkpoints:
    input:
        lambda wildcards: checkpoints(),
    localrule: True


rule test_video:
    input:
        expand(paths.TEST_VIDEO, clip=CLIPS, variant=VARIANTS),
    localrule: True


rule renders:
    input:
        expand([paths.RENDERS_MANIFEST, paths.RENDERS], clip=CLIPS, variant=VARIANTS),
        expand(paths.CUTOUTS_MANIFEST if CUTS_OUT else [], clip=CLIPS, variant=VARIANTS),
    localrule: True


rule novel_views:
    input:
        expand([paths.NOVEL_VIEWS, paths.ORBIT_VIDEO, paths.EXPRESSIONS_VIDEO], clip=CLIPS, variant=VARIANTS),
    localrule: True


rule reenactments:
    input:
        reenacted_files,
    localrule: True


rule splats:
    input:
        expand(paths.SPLATS, clip=CLIPS, variant=VARIANTS, form="ply"),
        expand(paths.SPLATS, clip=CLIPS, variant=MOVABLE, form="npz"),
    localrule: True


rule viewers:
    input:
        expand(paths.VIEWER, clip=CLIPS, variant=MOVABLE or VARIANTS),
    localrule: True


rule scores:
    input:
        expand(paths.SCORES, clip=CLIPS, variant=VARIANTS),
    localrule: True


rule quality:
    input:
        [picture for clip in CLIPS for picture in pictures_to_look_at(clip)],
        expand(paths.TRACKING_VIDEO, clip=CLIPS),
    localrule: True


rule tracking_video:
    input:
        expand(paths.TRACKING_VIDEO, clip=CLIPS),
    localrule: True


rule provenance:
    input:
        expand(paths.PROVENANCE, clip=CLIPS),
    localrule: True


rule reproduce:
    input:
        expand([paths.REPRODUCTION, paths.REPRODUCTION_TABLE], clip=CLIPS),
    localrule: True


rule report:
    input:
        expand(paths.REPORT, clip=CLIPS),
    localrule: True
