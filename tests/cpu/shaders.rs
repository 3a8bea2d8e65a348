//! Every shader is valid WGSL and agrees with its row: bindings, access, element types, params, workgroup size.

use naga::{AddressSpace, ArraySize, ScalarKind, StorageAccess, TypeInner, VectorSize};
use wgrad::kernels::definition::Definition;
use wgrad::kernels::{Access, Dtype, Kernel, Tiling};
use wgrad::plan::Whole;
use wgrad::testing::plan::whole;

fn parse(source: &str) -> Result<naga::Module, String> {
    validated(source).map(|(module, _)| module)
}

fn validated(source: &str) -> Result<(naga::Module, naga::valid::ModuleInfo), String> {
    let module = naga::front::wgsl::parse_str(source).map_err(|e| e.emit_to_string(source))?;
    let flags = naga::valid::ValidationFlags::all();
    // No optional capability: a default plan must run on every WebGPU device. Only the products that a plan takes where the
    // adapter has subgroups may use them.
    let capabilities = match source.contains("subgroupBroadcast") {
        true => naga::valid::Capabilities::SUBGROUP,
        false => naga::valid::Capabilities::empty(),
    };
    let info = naga::valid::Validator::new(flags, capabilities).validate(&module);
    Ok((module, info.map_err(|e| e.emit_to_string(source))?))
}

/// What disagrees between a shader and its row, if anything.
fn check(row: &Definition, source: &str) -> Result<(), String> {
    let module = parse(source)?;
    let [entry] = module.entry_points.as_slice() else {
        return Err(format!("{} entry points, not one", module.entry_points.len()));
    };
    // The workgroup of a product is as large as its constants SIDE or LANES say, that of a classifier's end as WIDTH says.
    let by_constant = entry.workgroup_size_overrides.is_some() && row.params.starts_with(&["m", "n", "k"]);
    if entry.name != "main" || (entry.workgroup_size != row.workgroup && !by_constant) {
        return Err(format!("entry {} with workgroup {:?}, row {:?}", entry.name, entry.workgroup_size, row.workgroup));
    }
    let bound: Vec<_> = module.global_variables.iter().map(|(_, v)| v).filter(|v| v.binding.is_some()).collect();
    if bound.len() != row.bindings.len() + 1 {
        return Err(format!("{} bindings, row has {} and params", bound.len(), row.bindings.len()));
    }
    for variable in bound {
        let Some(binding) = variable.binding else { continue };
        if binding.group != 0 {
            return Err(format!("{:?} is in group {}", variable.name, binding.group));
        }
        match binding.binding.checked_sub(1) {
            None => check_params(row, &module, variable)?,
            Some(i) => check_storage(row, &module, variable, i as usize)?,
        }
    }
    Ok(())
}

fn check_params(row: &Definition, module: &naga::Module, variable: &naga::GlobalVariable) -> Result<(), String> {
    let TypeInner::Struct { members, .. } = &module.types[variable.ty].inner else {
        return Err(format!("binding 0, {:?}, is no struct", variable.name));
    };
    let names: Vec<_> = members.iter().map(|m| m.name.as_deref().unwrap_or("")).collect();
    if variable.name.as_deref() != Some("params") || variable.space != AddressSpace::Uniform {
        return Err(format!("binding 0 is {:?} in {:?}", variable.name, variable.space));
    }
    if names != row.params {
        return Err(format!("params has members {names:?}, row {:?}", row.params));
    }
    for (i, member) in members.iter().enumerate() {
        let four_bytes = matches!(&module.types[member.ty].inner, TypeInner::Scalar(s) if s.width == 4);
        if !four_bytes || member.offset as usize != 4 * i {
            return Err(format!("member {} is not 4 bytes at {}", names[i], 4 * i));
        }
    }
    Ok(())
}

fn check_storage(
    row: &Definition,
    module: &naga::Module,
    variable: &naga::GlobalVariable,
    i: usize,
) -> Result<(), String> {
    let name = variable.name.as_deref().unwrap_or("");
    let Some(expected) = row.bindings.get(i) else {
        return Err(format!("{name} at binding {} is not in the row", i + 1));
    };
    let access = match expected.access {
        Access::Read => StorageAccess::LOAD,
        Access::Write | Access::Update => StorageAccess::LOAD | StorageAccess::STORE,
    };
    if name != expected.name || variable.space != (AddressSpace::Storage { access }) {
        let found = format!("{name} in {:?}", variable.space);
        return Err(format!("binding {} is {found}, row {} {:?}", i + 1, expected.name, expected.access));
    }
    let TypeInner::Array { base, size: ArraySize::Dynamic, .. } = module.types[variable.ty].inner else {
        return Err(format!("{name} is no runtime-sized array"));
    };
    let kind = match expected.dtype {
        Dtype::F32 => ScalarKind::Float,
        Dtype::U32 => ScalarKind::Uint,
    };
    match module.types[base].inner {
        TypeInner::Scalar(scalar) if scalar.kind == kind && scalar.width == 4 => Ok(()),
        TypeInner::Atomic(scalar) if scalar.kind == kind && scalar.width == 4 && expected.access == Access::Update => {
            Ok(())
        }
        // Words of four: behind every range there is padding up to a multiple of 16 bytes.
        TypeInner::Vector { scalar, size: VectorSize::Quad } if scalar.kind == kind && scalar.width == 4 => Ok(()),
        ref other => Err(format!("{name} holds {other:?}, row {:?}", expected.dtype)),
    }
}

#[test]
fn every_shader_agrees_with_its_row() {
    let mut faults = Vec::new();
    for kernel in Kernel::ALL {
        if let Err(fault) = check(kernel, &kernel.source()) {
            faults.push(format!("{}: {fault}", kernel.name));
        }
        if kernel.tilings
            && let Err(fault) = check(kernel, &kernel.source_with(Tiling::Broadcast))
        {
            faults.push(format!("{} by subgroups: {fault}", kernel.name));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Negative control: the check sees each kind of disagreement.
#[test]
fn disagreements_are_seen() {
    let row = Kernel::softmax_grad;
    let source = Kernel::softmax_grad.source();
    let mutations = [
        ("var<storage, read> dy:", "var<storage, read_write> dy:"),
        ("read_write> dx: array<f32>", "read_write> dx: array<vec2<f32>>"),
        ("@binding(3)", "@binding(4)"),
        ("    rows: u32,\n    cols: u32,", "    cols: u32,\n    rows: u32,"),
        ("@workgroup_size(64)", "@workgroup_size(32)"),
        ("fn main(", "fn other("),
        ("sum = mul_add(", "sum = 1u + mul_add("),
    ];
    for (from, to) in mutations {
        assert!(source.contains(from), "{from} is not in the shader");
        assert!(check(&row, &source.replace(from, to)).is_err(), "{from} -> {to} passed");
    }
    assert_eq!(check(&row, &source), Ok(()));
    assert!(check(&Kernel::sigmoid_grad, &Kernel::sigmoid.source()).is_err(), "another kernel's shader passed");
}

/// What disagrees between the shader of whole steps and what the plan and the executor assume of it, if anything.
fn check_whole(source: &str) -> Result<(), String> {
    let module = parse(source)?;
    for (i, (name, written)) in whole::BINDINGS.iter().enumerate() {
        let at = |v: &naga::GlobalVariable| v.binding.is_some_and(|b| b.group == 0 && b.binding as usize == i + 1);
        let access = if *written { StorageAccess::LOAD | StorageAccess::STORE } else { StorageAccess::LOAD };
        let found = module.global_variables.iter().map(|(_, v)| v).find(|v| at(v));
        if !found.is_some_and(|v| v.name.as_deref() == Some(name) && v.space == (AddressSpace::Storage { access })) {
            return Err(format!("binding {} is not {name}", i + 1));
        }
    }
    let bound = module.global_variables.iter().filter(|(_, v)| v.binding.is_some()).count();
    let program = module.global_variables.iter().map(|(_, v)| v).find(|v| v.name.as_deref() == Some("program"));
    let Some(TypeInner::Struct { members, span }) = program.map(|v| &module.types[v.ty].inner) else {
        return Err("there is no struct `program`".into());
    };
    let code = members.last().map(|m| (m.offset as usize, &module.types[m.ty].inner));
    let Some((offset, TypeInner::Array { stride, .. })) = code else {
        return Err("program does not end in its code".into());
    };
    let (header, instruction) = (offset / 4, *stride as usize / 4);
    let words = *span as usize / 4;
    let expected = whole::HEADER_WORDS + whole::CODE_WORDS * whole::MAX_INSTRUCTIONS;
    if bound != whole::BINDINGS.len() + 1
        || (header, instruction, words) != (whole::HEADER_WORDS, whole::CODE_WORDS, expected)
    {
        return Err(format!(
            "{bound} bindings; a header of {header}, instructions of {instruction}, {words} words in all"
        ));
    }
    Ok(())
}

#[test]
fn the_shader_of_whole_steps_agrees_with_the_plan() {
    let source = Whole::source();
    assert_eq!(check_whole(&source), Ok(()));
    for (from, to) in [
        ("array<Instruction, 64>", "array<Instruction, 63>"),
        ("    reserved1: u32,\n", ""),
        ("var<storage, read> weight:", "var<storage, read_write> weight:"),
        ("@binding(8)", "@binding(9)"),
    ] {
        assert!(source.contains(from), "{from} is not in the shader");
        assert!(check_whole(&source.replace(from, to)).is_err(), "{from} -> {to} passed");
    }
}

/// The functions of `shaders/lib/arithmetic.wgsl`, in which alone a shader multiplies and adds, divides and takes roots.
const ARITHMETIC: [&str; 7] = ["mul_add", "mul_add4", "quotient", "quotient4", "root", "root4", "inverse_root"];

/// Every multiply-add, division and root of numbers outside of these functions.
fn loose_arithmetic(source: &str) -> Result<Vec<String>, String> {
    let (module, info) = validated(source)?;
    let functions = module.functions.iter().map(|(handle, f)| (f, &info[handle]));
    let entries = module.entry_points.iter().enumerate().map(|(i, e)| (&e.function, info.get_entry_point(i)));
    let mut found = Vec::new();
    for (function, types) in functions.chain(entries) {
        let name = function.name.as_deref().unwrap_or("main");
        if ARITHMETIC.contains(&name) {
            continue;
        }
        for (handle, expression) in function.expressions.iter() {
            let kind = types[handle].ty.inner_with(&module.types).scalar_kind();
            if kind == Some(ScalarKind::Float)
                && let Some(what) = loose(expression, &function.expressions)
            {
                let place = function.expressions.get_span(handle).location(source);
                found.push(format!("fn {name}, line {}: {what}", place.line_number));
            }
        }
    }
    Ok(found)
}

/// What an expression is of that which belongs into `shaders/lib/arithmetic.wgsl`.
fn loose(expression: &naga::Expression, all: &naga::Arena<naga::Expression>) -> Option<&'static str> {
    use naga::{BinaryOperator as Op, Expression as E, MathFunction as F};
    match expression {
        E::Binary { op: Op::Divide | Op::Modulo, .. } => Some("a division"),
        E::Binary { op: Op::Add | Op::Subtract, left, right } if is_product(*left, all) || is_product(*right, all) => {
            Some("a multiply-add")
        }
        E::Math { fun: F::Sqrt | F::InverseSqrt | F::Length | F::Distance | F::Normalize, .. } => Some("a root"),
        E::Math { fun: F::Fma | F::Dot | F::Mix | F::Cross, .. } => Some("a multiply-add"),
        _ => None,
    }
}

/// Whether a value is a product, its sign and order of components aside.
fn is_product(value: naga::Handle<naga::Expression>, all: &naga::Arena<naga::Expression>) -> bool {
    use naga::Expression as E;
    match all[value] {
        E::Binary { op: naga::BinaryOperator::Multiply, .. } => true,
        E::Unary { expr, .. } => is_product(expr, all),
        E::Splat { value, .. } => is_product(value, all),
        E::Swizzle { vector, .. } => is_product(vector, all),
        E::Access { base, .. } | E::AccessIndex { base, .. } => is_product(base, all),
        _ => false,
    }
}

#[test]
fn every_multiply_add_division_and_root_is_in_one_place() {
    let mut sources = vec![("whole steps".to_owned(), Whole::source())];
    for kernel in Kernel::ALL {
        sources.push((kernel.name.to_owned(), kernel.source()));
        if kernel.tilings {
            sources.push((format!("{} by subgroups", kernel.name), kernel.source_with(Tiling::Broadcast)));
        }
    }
    let faults: Vec<String> = sources
        .iter()
        .flat_map(|(name, source)| loose_arithmetic(source).unwrap().into_iter().map(move |f| format!("{name}: {f}")))
        .collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Negative control: each kind is seen, also where a name stands between product and sum; integers are not meant.
#[test]
fn loose_arithmetic_is_seen() {
    let with = |body: &str| {
        let text = format!("@compute @workgroup_size(1) fn main() {{ var x = vec4<f32>(1.0); var i = 2u; {body} }}");
        loose_arithmetic(&text).unwrap().len()
    };
    for (body, count) in [
        ("x = x / 3.0;", 1),
        ("x.x = sqrt(x.y) + inverseSqrt(x.z);", 2),
        ("let p = x * x; x = p - x;", 1),
        ("x += -(x.y * x);", 1),
        ("x.x = (x * x).y + 1.0;", 1),
        ("x.x = dot(x, x);", 1),
        ("x = x * x; i = i * i + i / 3u;", 0),
    ] {
        assert_eq!(with(body), count, "{body}");
    }
}

#[test]
fn an_included_file_that_is_not_there_is_named() {
    let expanded = |text: &str| wgrad::kernels::shader::expand(text, "", Tiling::Tile);
    validated(&expanded("//#include lib/arithmetic.wgsl\n")).unwrap();
    let fault = validated(&expanded("//#include lib/arithmetic.wgsl\n//#include lib/nowhere.wgsl\n")).unwrap_err();
    assert!(fault.contains("there is no file nowhere.wgsl to include"), "{fault}");
}
