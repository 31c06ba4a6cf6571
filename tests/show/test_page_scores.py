from headsmith.show.page_scores import protocol_table, score_table


def test_scores_stand_beside_both_baselines_and_the_best_is_told():
    basis = {"psnr_head": 26.123, "baseline_nearest_psnr_head": 19.8, "baseline_mean_psnr_head": 18.7, "stlpips_head": 0.3}
    mlp = {"psnr_head": 27.0, "stlpips_head": 0.2, "psnr_mouth": None}
    table = score_table({"basis": basis, "mlp": mlp})
    assert table.columns == ("score", "basis", "mlp", "nearest frame", "mean frame")
    assert table.rows == (
        ("PSNR, head / dB", "26.12", "27.00", "19.80", "18.70"),
        ("ST-LPIPS, head", "0.3000", "0.2000", "", ""),
    )
    assert table.best == {(0, 2), (1, 2)}
    assert score_table({}) is None


def test_distances_on_both_networks_and_the_masked_image_have_rows():
    content = {"psnr_masked_image": 31.5, "psnr_eyes": None, "lpips_vgg_head": 0.1, "lpips_vgg_masked_image": 0.05}
    content |= {"baseline_mean_lpips_vgg_head": 0.3}
    table = score_table({"basis": content})
    assert [row[:2] for row in table.rows] == [
        ("PSNR, masked image / dB", "31.50"),
        ("LPIPS on VGG-16, head", "0.1000"),
        ("LPIPS on VGG-16, masked image", "0.0500"),
    ]
    assert table.rows[1][3] == "0.3000" and table.best == {(1, 1)}


def test_the_protocol_stands_once_where_variants_share_it_and_by_variant_where_not():
    protocol = {
        "image_size": [256, 256],
        "regions": {"head": "skin", "masked_image": "all"},
        "perceptual": {"lpips": {"scale": 1.0}},
    }
    table = protocol_table({"basis": {"protocol": protocol}, "mlp": {"protocol": dict(protocol)}, "older": {}})
    assert table.columns == ("protocol", "of these scores")
    assert table.rows == (
        ("image size", "256 x 256"),
        ("regions, head", "skin"),
        ("regions, masked image", "all"),
        ("perceptual, lpips, scale", "1.0"),
    )
    other = {"image_size": [512, 512], "perceptual": {"lpips": "not computed"}}
    table = protocol_table({"basis": {"protocol": protocol}, "mlp": {"protocol": other}})
    assert table.columns == ("protocol", "basis", "mlp")
    assert table.rows[0] == ("image size", "256 x 256", "512 x 512") and table.rows[-1] == (
        "perceptual, lpips",
        "",
        "not computed",
    )
    assert protocol_table({"older": {}}) is None
