//! Runs a kernel of the table on the CPU in f32 and f64 and compares the two with the row's bound.

use wgrad::kernels::{Access, Args, BoundCall, Call, Dtype, In, Kernel, Measured, Out, Scalar};

/// xorshift64*, S. Vigna (2016): enough for test inputs, and the same on every machine.
pub struct Rng(u64);

impl Rng {
    pub fn new(seed: u64) -> Self {
        Rng(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn bits(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub fn uniform(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    pub fn below(&mut self, n: usize) -> usize {
        ((self.bits() >> 33) as usize) % n
    }
}

/// The nearest f32, widened.
pub fn f32_of(v: f64) -> f64 {
    f64::from(v as f32)
}

/// Values without error.
pub fn exact(value: Vec<f64>) -> Measured {
    let error = vec![0.0; value.len()];
    Measured { value, error }
}

/// One dispatch with what its inputs carry.
pub struct Case {
    pub kernel: Kernel,
    pub args: Args,
    pub inputs: Vec<Measured>,
    pub before: Vec<Measured>,
}

/// The largest error / bound of each written binding; infinite where the bound is 0 or not a number and the error is not 0.
#[derive(Debug)]
pub struct Report {
    pub ratio: Vec<f64>,
    pub worst: Vec<(usize, f64, f64, f64)>,
}

impl Report {
    pub fn holds(&self) -> bool {
        self.ratio.iter().all(|&r| r <= 1.0)
    }
}

enum Data<T> {
    F(Vec<T>),
    U(Vec<u32>),
}

impl Case {
    pub fn new(kernel: Kernel, args: Args) -> Self {
        Case { kernel, args, inputs: vec![], before: vec![] }
    }

    /// The outputs in f64 at the exact values.
    pub fn run_f64(&self) -> Vec<Vec<f64>> {
        let values = |of: &[Measured]| of.iter().map(|m| m.value.clone()).collect::<Vec<_>>();
        self.run(self.kernel.cpu_f64, &values(&self.inputs), &values(&self.before))
    }

    /// The outputs in f32 for given inputs.
    pub fn run_f32(&self, inputs: &[Vec<f64>], before: &[Vec<f64>]) -> Vec<Vec<f64>> {
        self.run(self.kernel.cpu_f32, inputs, before)
    }

    fn run<T: Scalar>(
        &self,
        function: fn(&mut Call<'_, '_, T>),
        inputs: &[Vec<f64>],
        before: &[Vec<f64>],
    ) -> Vec<Vec<f64>> {
        let row = self.kernel;
        let data = |values: &[Vec<f64>], read: bool| -> Vec<Data<T>> {
            let of = row.bindings.iter().filter(|b| (b.access == Access::Read) == read);
            of.zip(values)
                .map(|(b, v)| match b.dtype {
                    Dtype::F32 => Data::F(v.iter().map(|&v| T::of(v)).collect()),
                    Dtype::U32 => Data::U(v.iter().map(|&v| v as u32).collect()),
                })
                .collect()
        };
        let (inputs, mut outputs) = (data(inputs, true), data(before, false));
        let ins: Vec<In<'_, T>> = inputs
            .iter()
            .map(|d| match d {
                Data::F(v) => In::F(v),
                Data::U(v) => In::U(v),
            })
            .collect();
        let mut outs: Vec<Out<'_, T>> = outputs
            .iter_mut()
            .map(|d| match d {
                Data::F(v) => Out::F(v),
                Data::U(v) => Out::U(v),
            })
            .collect();
        function(&mut Call { args: &self.args, inputs: &ins, outputs: &mut outs });
        let widened = |d: Data<T>| match d {
            Data::F(v) => v.into_iter().map(Scalar::widen).collect(),
            Data::U(v) => v.into_iter().map(f64::from).collect(),
        };
        outputs.into_iter().map(widened).collect()
    }

    pub fn bounds(&self, after: &[Vec<f64>]) -> Vec<Vec<f64>> {
        let call = BoundCall { args: &self.args, inputs: &self.inputs, before: &self.before, after };
        (self.kernel.bound)(&call)
    }

    /// Inputs moved within their errors: to either end, or anywhere between, rounded to f32 towards the value.
    pub fn perturbed(of: &[Measured], rng: &mut Rng) -> Vec<Vec<f64>> {
        let mut moved = |(&v, &e): (&f64, &f64)| {
            if e == 0.0 {
                return v;
            }
            let aim = v + e * [1.0, -1.0, rng.uniform(-1.0, 1.0)][rng.below(3)];
            let rounded = f32_of(aim);
            if (rounded - v).abs() <= e { rounded } else { v }
        };
        of.iter().map(|m| m.value.iter().zip(&m.error).map(&mut moved).collect()).collect()
    }

    /// Compares f32 at moved inputs with f64.
    pub fn check(&self, rng: &mut Rng) -> Report {
        let after = self.run_f64();
        let found = self.run_f32(&Self::perturbed(&self.inputs, rng), &Self::perturbed(&self.before, rng));
        compare(&found, &after, &self.bounds(&after))
    }

    /// Each output element moved by four bounds (or by a thousandth where the bound is 0) must be found out.
    pub fn check_nudges(&self, rng: &mut Rng) {
        let after = self.run_f64();
        let bounds = self.bounds(&after);
        let found = self.run_f32(&Self::perturbed(&self.inputs, rng), &Self::perturbed(&self.before, rng));
        for k in 0..found.len() {
            for i in 0..found[k].len() {
                let nudge = if bounds[k][i] == 0.0 { 1e-3 } else { 4.0 * bounds[k][i] };
                let mut wrong = found.clone();
                wrong[k][i] += nudge;
                assert!(!compare(&wrong, &after, &bounds).holds(), "{:?}: output {k}[{i}] + {nudge}", self.kernel);
                wrong[k][i] = f64::NAN;
                assert!(!compare(&wrong, &after, &bounds).holds(), "{:?}: output {k}[{i}] NaN", self.kernel);
            }
        }
    }
}

/// Element by element: error / bound.
pub fn compare(found: &[Vec<f64>], exact: &[Vec<f64>], bounds: &[Vec<f64>]) -> Report {
    let mut report = Report { ratio: vec![0.0; exact.len()], worst: vec![(0, 0.0, 0.0, 0.0); exact.len()] };
    for k in 0..exact.len() {
        assert_eq!((found[k].len(), bounds[k].len()), (exact[k].len(), exact[k].len()), "shapes of output {k}");
        for i in 0..exact[k].len() {
            let (f, e, b) = (found[k][i], exact[k][i], bounds[k][i]);
            let error = (f - e).abs();
            let ratio = match error / b {
                _ if error == 0.0 && b >= 0.0 => 0.0,
                r if error <= b && f.is_finite() && b.is_finite() => r,
                r if r > 1.0 => r,
                _ => f64::INFINITY,
            };
            if ratio > report.ratio[k] {
                report.ratio[k] = ratio;
                report.worst[k] = (i, f, e, b);
            }
        }
    }
    report
}
