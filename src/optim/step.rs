//! The step of an optimizer for one parameter, as plain data: its passes, each a kernel with what it binds, and the tensors between them.

use crate::kernels::{COL_SUM_ROWS, Kernel, Param, SQUARE_SUM_PART};

/// What a pass binds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum On {
    /// The step counter.
    Counter,
    /// The table of what changes from step to step.
    Hyper,
    /// The gradient.
    Gradient,
    /// The parameter, which the last pass updates.
    Parameter,
    /// One of the parameter's states.
    State(usize),
    /// A tensor of [`Passes::between`].
    Scratch(usize),
    /// A binding that must exist and that the kernel does not touch.
    Unused,
}

/// A kernel with what it takes.
#[derive(Debug, Clone, PartialEq)]
pub struct Pass {
    /// The kernel.
    pub kernel: Kernel,
    /// Its parameters.
    pub params: Vec<Param>,
    /// Its override constants.
    pub constants: Vec<(&'static str, f64)>,
    /// Its bindings, whole tensors.
    pub binds: Vec<On>,
}

/// The passes in order.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Passes {
    /// The passes.
    pub list: Vec<Pass>,
    /// Names and shapes of the tensors that live within the step.
    pub between: Vec<(&'static str, Vec<usize>)>,
}

/// Sizes as parameters.
pub fn sizes(sizes: &[usize]) -> Vec<Param> {
    sizes.iter().map(|size| Param::U(*size as u32)).collect()
}

impl Passes {
    /// Adds a pass.
    pub fn push(&mut self, kernel: Kernel, params: Vec<Param>, constants: Vec<(&'static str, f64)>, binds: Vec<On>) {
        self.list.push(Pass { kernel, params, constants, binds });
    }

    /// Adds a tensor.
    pub fn scratch(&mut self, name: &'static str, shape: &[usize]) -> On {
        self.between.push((name, shape.to_vec()));
        On::Scratch(self.between.len() - 1)
    }

    /// Adds the sum of `len` numbers, in passes over parts of them.
    pub fn sum(&mut self, mut from: On, mut len: usize, to: On) {
        loop {
            let parts = len.div_ceil(COL_SUM_ROWS);
            let sums = if parts == 1 { to } else { self.scratch("partial", &[parts, 1]) };
            self.push(Kernel::col_sum, sizes(&[len, 1, COL_SUM_ROWS]), vec![], vec![from, sums]);
            if parts == 1 {
                return;
            }
            (len, from) = (parts, sums);
        }
    }

    /// Adds the sum of the squares of `len` numbers.
    pub fn sum_squares(&mut self, from: On, len: usize, to: On) {
        let parts = len.div_ceil(SQUARE_SUM_PART);
        let sums = if parts == 1 { to } else { self.scratch("partial", &[parts, 1]) };
        self.push(Kernel::square_sum, sizes(&[len]), vec![], vec![from, sums]);
        if parts > 1 {
            self.sum(sums, parts, to);
        }
    }
}
