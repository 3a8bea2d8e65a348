//! Stub.
use crate::kernels::row::{BoundCall, Call};
use crate::kernels::scalar::Scalar;
pub fn value<T: Scalar>(x: T) -> T {
    x
}
pub fn value_error(_x: f64, e: f64) -> f64 {
    e
}
pub fn identity<T: Scalar>(_call: &mut Call<'_, '_, T>) {
    unimplemented!()
}
pub fn bound(_call: &BoundCall<'_>) -> Vec<Vec<f64>> {
    unimplemented!()
}
