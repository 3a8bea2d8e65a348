//! The elementary functions.

use super::{Mutation, m};

const FILE: &str = "lib/math.wgsl";

pub const MUTATIONS: &[Mutation] = &[
    m("cross_entropy", FILE, "0x7fffffffu) > 0x7f800000u", "0x7fffffffu) < 0x7f800000u"),
    m("sigmoid", FILE, "LOG2_E, 0.5", "LOG2_E, 0.0"),
    m("sigmoid", FILE, "mul_add(-n, LN2_LO, mul_add(-n, LN2_HI, x))", "mul_add(-n, LN2_HI, x)"),
    m("sigmoid", FILE, "mul_add(-n, LN2_LO, mul_add(-n, LN2_HI, x))", "mul_add(-n, LN2_HI + LN2_LO, x)"),
    m("sigmoid", FILE, "mul_add(q, r, 0.041668408)", "mul_add(q, r, 0.041666)")
        .survives("within the bound: 0.6u of the 4u that exp is granted"),
    m("sigmoid", FILE, "0.041668408", "0.0416"),
    m("sigmoid", FILE, "mul_add(q, r * r, r) + 1.0", "mul_add(q, r, r) + 1.0"),
    m("sigmoid", FILE, "(p * power_of_two(half)) * power_of_two(i - half)", "p * power_of_two(i)"),
    m("sigmoid", FILE, "u32(n + 127)", "u32(n + 126)"),
    m("sigmoid", FILE, "-104.0, 88.72283", "-50.0, 88.72283"),
    m("sigmoid", FILE, "-104.0, 88.72283", "-104.0, 8.872283")
        .survives("equivalent: every kernel takes exp of numbers that are not positive, where nothing can overflow"),
    m("sigmoid", FILE, "power_of_two(i - half), a, nan)", "power_of_two(i - half), 0.0, nan)"),
    m("softplus", FILE, "mul_add(q, z, 0.3333321)", "mul_add(q, z, 0.333)"),
    m("softplus", FILE, "mul_add(q, z, 1.0)", "(q * z)"),
    m("softplus", FILE, "return log_ratio(quotient(x, 2.0 + x));", "return log_ratio(quotient(x, 2.0 - x));"),
    m("softplus", FILE, "return log_ratio(quotient(x, 2.0 + x));", "return log_safe(1.0 + x);"),
    m("cross_entropy", FILE, "x >= -0.5 && x <= 1.0", "x >= -0.5 && x <= 3.0"),
    m("binary_cross_entropy", FILE, "mul_add(n, LN2_LO, log_ratio(quotient(m - 1.0, m + 1.0)))", "log_ratio(quotient(m - 1.0, m + 1.0))"),
    m("binary_cross_entropy", FILE, "quotient(m - 1.0, m + 1.0)", "quotient(m + 1.0, m - 1.0)"),
    m("binary_cross_entropy", FILE, "0x3f3504f3u) >> 23u", "0x3f000000u) >> 23u")
        .survives("within the bound: m lies in [1/2, 1), and the kernels take log_safe only below 1/2 and above 2, where nothing cancels"),
    m("tanh", FILE, "abs(x) <= 0.625", "abs(x) <= 1.5"),
    m("tanh", FILE, "abs(x) <= 0.625", "abs(x) <= 0.001"),
    m("tanh", FILE, "abs(x) <= 0.625", "abs(x) <= 0.6")
        .survives("within the bound: both forms hold it around the switch"),
    m("tanh", FILE, "0.13331442", "0.1333"),
    m("tanh", FILE, "exp_safe(-2.0 * abs(x));\n    let y", "exp_safe(-abs(x));\n    let y"),
    m("tanh", FILE, "select(y, -y, x < 0.0)", "select(-y, y, x < 0.0)"),
    m("gelu", FILE, "min(abs(x), 14.5)", "min(abs(x), 4.5)"),
    m("gelu", FILE, "0xfffff000u", "0xffffffffu"),
    m("gelu", FILE, "-0.5 * (t - upper) * (t + upper)", "0.0"),
    m("gelu", FILE, "mul_add(p, t, 0.43829942)", "mul_add(p, t, 0.4382)"),
    m("gelu", FILE, "let below = tail.density * tail.ratio", "let below = tail.density / tail.ratio"),
    m("gelu", FILE, "mul_add(-tail.density, tail.ratio, 1.0), x > 0.0);\n}", "mul_add(-tail.density, tail.ratio, 1.0), x < 0.0);\n}"),
    m("gelu", FILE, "quotient(p, q));", "p * q);"),
];
