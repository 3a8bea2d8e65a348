// Which features a row has where a sample is `groups` rows one after the other, and their weights, 1 without AFFINE. A block of a
// larger dispatch begins at row `start`.

override AFFINE: bool = true;

fn first_feature(row: u32) -> u32 {
    return (params.start + row) % params.groups * params.cols;
}

fn weight_of(feature: u32) -> f32 {
    if (AFFINE) {
        return weight[feature];
    }
    return 1.0;
}
