//! Constants of a file: where they come from, and what a layer takes of them.

use super::{Outcome, Value};
use crate::exchange::onnx::array::{Array, Numbers};
use crate::exchange::onnx::schema::{Attribute, Node};
use std::rc::Rc;

pub(super) fn constant_of(node: &Node) -> Outcome<Value> {
    let array = |dims: Vec<usize>, data| Array { name: String::new(), dims, data };
    let found = node.attributes.iter().find_map(|(name, value)| match (name.as_str(), value) {
        ("value", Attribute::Tensor(tensor)) => Some(tensor.clone()),
        ("value_float", Attribute::Float(v)) => Some(array(vec![], Numbers::F32(vec![*v]))),
        ("value_int", Attribute::Int(v)) => Some(array(vec![], Numbers::I64(vec![*v]))),
        ("value_floats", Attribute::Floats(v)) => Some(array(vec![v.len()], Numbers::F32(v.clone()))),
        ("value_ints", Attribute::Ints(v)) => Some(array(vec![v.len()], Numbers::I64(v.clone()))),
        _ => None,
    });
    found.map(|array| Value::Constant(Rc::new(array))).ok_or_else(|| "it has no value that is read".to_owned())
}

pub(super) fn doubles(array: &Array) -> Outcome<Vec<f64>> {
    let numbers: Vec<f64> = match &array.data {
        Numbers::F32(v) => v.iter().map(|v| f64::from(*v)).collect(),
        Numbers::F64(v) => v.clone(),
        Numbers::I64(v) => v.iter().map(|v| *v as f64).collect(),
        Numbers::Unread(why) => return Err(format!("the constant \"{}\" cannot be used: {why}", array.name)),
    };
    match numbers.iter().find(|v| !v.is_finite()) {
        Some(v) => Err(format!("the constant \"{}\" holds {v}, which is no finite number", array.name)),
        None if numbers.is_empty() => Err(format!("the constant \"{}\" is empty", array.name)),
        None => Ok(numbers),
    }
}

/// Parameters, which are single precision: nothing is rounded on the way.
pub(super) fn singles(array: &Array) -> Outcome<Vec<f32>> {
    let name = &array.name;
    let Numbers::F32(values) = &array.data else {
        doubles(array)?;
        return Err(format!("the parameters \"{name}\" are not single precision. Convert the model to float32"));
    };
    doubles(array)?;
    Ok(values.clone())
}

/// The transpose of a matrix.
pub(super) fn transposed(array: &Array) -> Outcome<Array> {
    let [rows, columns] = array.dims[..] else {
        return Err(format!("the constant \"{}\" has the shape {:?}, expected two dimensions", array.name, array.dims));
    };
    let values = singles(array)?;
    let data =
        (0..columns).flat_map(|c| (0..rows).map(move |r| (r, c))).map(|(r, c)| values[r * columns + c]).collect();
    Ok(Array { name: array.name.clone(), dims: vec![columns, rows], data: Numbers::F32(data) })
}
