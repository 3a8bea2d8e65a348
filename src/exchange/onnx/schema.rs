//! The messages of `onnx.proto` (ONNX 1.15), as far as they are used: field numbers are those of that file.

use super::array::{Array, DOUBLE, FLOAT};
use crate::exchange::protobuf::{Broken, Field, Fields, Writer, fixed, integers};
use crate::nn;

/// `ModelProto`
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Model {
    /// The version of the default domain's operators.
    pub opset: i64,
    /// `producer_name`: which program wrote the file.
    pub producer: String,
    /// `metadata_props`
    pub metadata: Vec<(String, String)>,
    /// The network.
    pub graph: Graph,
}

/// `GraphProto`
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Graph {
    /// Operations, each behind those whose results it takes.
    pub nodes: Vec<Node>,
    /// Constants by name.
    pub initializers: Vec<Array>,
    /// What goes in.
    pub inputs: Vec<ValueInfo>,
    /// What comes out.
    pub outputs: Vec<ValueInfo>,
}

/// `ValueInfoProto` of a matrix of numbers: its columns, where they are stated.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ValueInfo {
    /// The value's name.
    pub name: String,
    /// In double precision; single otherwise.
    pub double: bool,
    /// The last dimension; `None` where it is free.
    pub columns: Option<usize>,
    /// How many dimensions there are; 0 where none are stated. Those that are written have two.
    pub rank: usize,
}

/// `NodeProto`
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Node {
    /// Its name, for messages; often empty.
    pub name: String,
    /// The operator.
    pub op: String,
    /// Whose operator; empty for ONNX's own.
    pub domain: String,
    /// Values it takes; an empty name is an operand left out.
    pub inputs: Vec<String>,
    /// Values it makes.
    pub outputs: Vec<String>,
    /// Its attributes.
    pub attributes: Vec<(String, Attribute)>,
}

/// `AttributeProto`
#[derive(Debug, Clone, PartialEq)]
pub enum Attribute {
    /// A float.
    Float(f32),
    /// An integer.
    Int(i64),
    /// Text.
    Text(String),
    /// A constant.
    Tensor(Array),
    /// Floats.
    Floats(Vec<f32>),
    /// Integers.
    Ints(Vec<i64>),
    /// What no operator of a multilayer perceptron has.
    Other,
}

impl From<&nn::Attribute> for Attribute {
    fn from(attribute: &nn::Attribute) -> Attribute {
        match attribute {
            nn::Attribute::Int(value) => Attribute::Int(*value),
            nn::Attribute::Float(value) => Attribute::Float(*value),
            nn::Attribute::Text(value) => Attribute::Text(value.clone()),
        }
    }
}

/// The version of the format that goes with a version of the operators: ONNX 1.15's, or 1.16's from opset 21 on.
fn ir_version(opset: i64) -> i64 {
    if opset > 20 { 10 } else { 9 }
}

pub(super) fn text(field: Field<'_>) -> String {
    match field {
        Field::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        _ => String::new(),
    }
}

pub(super) fn integer(field: Field<'_>) -> i64 {
    if let Field::Varint(value) = field { value as i64 } else { 0 }
}

/// The fields of a message within another; what is no message has none.
fn inner(field: Field<'_>) -> Fields<'_> {
    Fields::new(if let Field::Bytes(bytes) = field { bytes } else { &[] })
}

impl Model {
    /// Reads the bytes of an ONNX file.
    ///
    /// # Errors
    /// [`Broken`]
    pub fn decode(bytes: &[u8]) -> Result<Model, Broken> {
        let mut model = Model::default();
        for field in Fields::new(bytes) {
            let (number, value) = field?;
            match number {
                2 => model.producer = text(value),
                7 => model.graph = Graph::decode(inner(value))?,
                8 => {
                    let (domain, version) = pair(inner(value), integer)?;
                    if domain.is_empty() || domain == "ai.onnx" {
                        model.opset = version;
                    }
                }
                14 => model.metadata.push(pair(inner(value), text)?),
                _ => {}
            }
        }
        Ok(model)
    }

    /// The bytes of the file.
    pub fn encode(&self) -> Vec<u8> {
        Writer::default()
            .int(1, ir_version(self.opset))
            .text(2, &self.producer)
            .text(3, env!("CARGO_PKG_VERSION"))
            .message(7, self.graph.encode())
            .message(8, Writer::default().text(1, "").int(2, self.opset))
            .each(&self.metadata, |model, (key, value)| {
                model.message(14, Writer::default().text(1, key).text(2, value))
            })
            .finish()
    }
}

/// The fields 1, a text, and 2, which `second` reads.
fn pair<T: Default>(fields: Fields<'_>, second: fn(Field<'_>) -> T) -> Result<(String, T), Broken> {
    let mut pair = <(String, T)>::default();
    for field in fields {
        match field? {
            (1, value) => pair.0 = text(value),
            (2, value) => pair.1 = second(value),
            _ => {}
        }
    }
    Ok(pair)
}

impl Graph {
    fn decode(fields: Fields<'_>) -> Result<Graph, Broken> {
        let mut graph = Graph::default();
        for field in fields {
            let (number, value) = field?;
            match number {
                1 => graph.nodes.push(Node::decode(inner(value))?),
                5 => graph.initializers.push(Array::decode(inner(value))?),
                11 => graph.inputs.push(ValueInfo::decode(inner(value))?),
                12 => graph.outputs.push(ValueInfo::decode(inner(value))?),
                _ => {}
            }
        }
        Ok(graph)
    }

    fn encode(&self) -> Writer {
        Writer::default()
            .each(&self.nodes, |graph, node| graph.message(1, node.encode()))
            .text(2, "wgrad")
            .each(&self.initializers, |graph, array| graph.message(5, array.encode()))
            .each(&self.inputs, |graph, input| graph.message(11, input.encode()))
            .each(&self.outputs, |graph, output| graph.message(12, output.encode()))
    }
}

impl ValueInfo {
    /// Name, and of `type.tensor_type.shape.dim` the last `dim_value`.
    fn decode(fields: Fields<'_>) -> Result<ValueInfo, Broken> {
        let mut info = ValueInfo::default();
        for field in fields {
            match field? {
                (1, value) => info.name = text(value),
                (2, ty) => {
                    let types = descend(inner(ty), &[1, 1])?;
                    info.double = types.iter().any(|ty| integer(*ty) == DOUBLE);
                    for dim in descend(inner(ty), &[1, 2, 1])? {
                        let mut columns = None;
                        for field in inner(dim) {
                            if let (1, value) = field? {
                                columns = usize::try_from(integer(value)).ok();
                            }
                        }
                        info.columns = columns;
                        info.rank += 1;
                    }
                }
                _ => {}
            }
        }
        Ok(info)
    }

    /// A matrix with any number of rows.
    fn encode(&self) -> Writer {
        let batch = Writer::default().text(2, "batch");
        let columns = Writer::default().int(1, self.columns.unwrap_or(0) as i64);
        let shape = Writer::default().message(1, batch).message(1, columns);
        let tensor = Writer::default().int(1, if self.double { DOUBLE } else { FLOAT }).message(2, shape);
        Writer::default().text(1, &self.name).message(2, Writer::default().message(1, tensor))
    }
}

/// The fields at the end of the path `numbers`.
fn descend<'a>(fields: Fields<'a>, numbers: &[u64]) -> Result<Vec<Field<'a>>, Broken> {
    let mut found = vec![fields];
    let mut last = Vec::new();
    for number in numbers {
        last.clear();
        for fields in found {
            for field in fields {
                let (of, value) = field?;
                if of == *number {
                    last.push(value);
                }
            }
        }
        found = last.iter().map(|field| inner(*field)).collect();
    }
    Ok(last)
}

impl Node {
    fn decode(fields: Fields<'_>) -> Result<Node, Broken> {
        let mut node = Node::default();
        for field in fields {
            let (number, value) = field?;
            match number {
                1 => node.inputs.push(text(value)),
                2 => node.outputs.push(text(value)),
                3 => node.name = text(value),
                4 => node.op = text(value),
                5 => node.attributes.push(Attribute::decode(inner(value))?),
                7 => node.domain = text(value),
                _ => {}
            }
        }
        Ok(node)
    }

    fn encode(&self) -> Writer {
        let node = Writer::default()
            .each(&self.inputs, |node, name| node.text(1, name))
            .each(&self.outputs, |node, name| node.text(2, name))
            .text(3, &self.name)
            .text(4, &self.op)
            .each(&self.attributes, |node, (name, value)| node.message(5, value.encode(name)));
        if self.domain.is_empty() { node } else { node.text(7, &self.domain) }
    }

    /// The attribute `name`.
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes.iter().find(|(n, _)| n == name).map(|(_, value)| value)
    }

    /// A float attribute, or `default`.
    pub fn float(&self, name: &str, default: f32) -> f32 {
        if let Some(Attribute::Float(value)) = self.attribute(name) { *value } else { default }
    }

    /// An integer attribute, or `default`.
    pub fn int(&self, name: &str, default: i64) -> i64 {
        if let Some(Attribute::Int(value)) = self.attribute(name) { *value } else { default }
    }
}

impl Attribute {
    fn decode(fields: Fields<'_>) -> Result<(String, Attribute), Broken> {
        let (mut name, mut value) = (String::new(), Attribute::Other);
        for field in fields {
            let (number, found) = field?;
            match (number, found) {
                (1, _) => name = text(found),
                (2, Field::Fixed32(bits)) => value = Attribute::Float(f32::from_bits(bits)),
                (3, Field::Varint(int)) => value = Attribute::Int(int as i64),
                (4, _) => value = Attribute::Text(text(found)),
                (5, _) => value = Attribute::Tensor(Array::decode(inner(found))?),
                (7, _) => {
                    let Attribute::Floats(list) = as_list(&mut value, Attribute::Floats(Vec::new())) else { continue };
                    fixed(found, f32::from_le_bytes, list)?;
                }
                (8, _) => {
                    let Attribute::Ints(list) = as_list(&mut value, Attribute::Ints(Vec::new())) else { continue };
                    integers(found, list)?;
                }
                _ => {}
            }
        }
        Ok((name, value))
    }

    /// With the field `type` (20), which says which of the others counts.
    fn encode(&self, name: &str) -> Writer {
        let attribute = Writer::default().text(1, name);
        match self {
            Attribute::Float(value) => attribute.float(2, *value).int(20, 1),
            Attribute::Int(value) => attribute.int(3, *value).int(20, 2),
            Attribute::Text(value) => attribute.text(4, value).int(20, 3),
            Attribute::Tensor(value) => attribute.message(5, value.encode()).int(20, 4),
            Attribute::Floats(values) => attribute.each(values, |list, value| list.float(7, *value)).int(20, 6),
            Attribute::Ints(values) => attribute.each(values, |list, value| list.int(8, *value)).int(20, 7),
            Attribute::Other => attribute,
        }
    }
}

/// `value`, replaced by `empty` unless it is such a list already: the entries of a list may come one by one.
fn as_list(value: &mut Attribute, empty: Attribute) -> &mut Attribute {
    if std::mem::discriminant(value) != std::mem::discriminant(&empty) {
        *value = empty;
    }
    value
}
