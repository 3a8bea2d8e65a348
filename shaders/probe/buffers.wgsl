// buffers: y[i] = a[i] + 10 b[i] + 100 c[i] + ... over seven buffers, with y the eighth.
// Shapes: a ... g, y [64]. Eight storage buffers a stage are WebGPU's default, and what the widest kernel may use.

@group(0) @binding(0) var<storage, read> a: array<u32>;
@group(0) @binding(1) var<storage, read> b: array<u32>;
@group(0) @binding(2) var<storage, read> c: array<u32>;
@group(0) @binding(3) var<storage, read> d: array<u32>;
@group(0) @binding(4) var<storage, read> e: array<u32>;
@group(0) @binding(5) var<storage, read> f: array<u32>;
@group(0) @binding(6) var<storage, read> g: array<u32>;
@group(0) @binding(7) var<storage, read_write> y: array<u32>;

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) i: u32) {
    let low = a[i] + 10u * b[i] + 100u * c[i] + 1000u * d[i];
    y[i] = low + 10000u * e[i] + 100000u * f[i] + 1000000u * g[i];
}
