//! Profiling a plan on a device: a pass for each dispatch with the device's timestamps at its borders, or, on an adapter
//! without timestamps, each dispatch repeated many times. Slower than training, and the values that it leaves are of no use.

use super::Gpu;
use super::build::encode;
use super::read_back::ReadBack;
use crate::error::Result;
use crate::exec::profile::{Method, Profile, Track};
use std::time::{Duration, Instant};

/// Queries of a set at most: WebGPU's limit (<https://gpuweb.github.io/gpuweb/#dom-gpudevice-createqueryset>).
const MAX_QUERIES: usize = 4096;
/// A dispatch is repeated until a submit takes this long: the cost of a submit, some 100 us, is then below its noise.
const REPEAT_FOR: Duration = Duration::from_millis(4);
/// Repetitions in a submit at most.
const MOST_REPEATS: usize = 1 << 14;
/// Differences of which the times of a dispatch consist.
const DIFFERENCES: usize = 5;

fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

/// The host's spans of a run, by the times at which they ended.
fn push_host(profile: &mut Profile, [encoded, submitted, done]: [Duration; 3]) {
    let spans = [("encode", Duration::ZERO, encoded), ("submit", encoded, submitted), ("wait", submitted, done)];
    for (name, from, to) in spans {
        profile.push(Track::Host, name.into(), micros(from), micros(to - from));
    }
}

impl Gpu {
    /// See [`crate::exec::Session::profile`].
    pub(super) async fn profile_steps(&mut self, plan: usize, steps: usize, most_repeats: &[usize]) -> Result<Profile> {
        let dispatches = self.programs[plan].launches.len();
        let steps = steps.min(MAX_QUERIES / 2 / dispatches.max(1));
        let able = self.device.device.features().contains(wgpu::Features::TIMESTAMP_QUERY);
        if able && steps > 0 { self.by_timestamps(plan, steps).await } else { self.by_repetition(plan, most_repeats) }
    }

    /// Times the dispatches of one submit by the clock of the device.
    async fn by_timestamps(&mut self, plan: usize, steps: usize) -> Result<Profile> {
        self.reset(plan)?;
        let dispatches = self.programs[plan].launches.len();
        let count = (2 * dispatches * steps) as u32;
        let queries = self.device.device.create_query_set(&wgpu::QuerySetDescriptor {
            label: Some("profile"),
            ty: wgpu::QueryType::Timestamp,
            count,
        });
        let usage = wgpu::BufferUsages::QUERY_RESOLVE | wgpu::BufferUsages::COPY_SRC;
        let resolved = self.device.buffer("profile", 8 * u64::from(count), usage);
        let begin = Instant::now();
        let mut encoder = self.encoder();
        let launches = (0..steps).flat_map(|_| &self.programs[plan].launches);
        for (i, launch) in launches.enumerate() {
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor {
                label: None,
                timestamp_writes: Some(wgpu::ComputePassTimestampWrites {
                    query_set: &queries,
                    beginning_of_pass_write_index: Some(2 * i as u32),
                    end_of_pass_write_index: Some(2 * i as u32 + 1),
                }),
            });
            launch.encode(&mut pass);
        }
        encoder.resolve_query_set(&queries, 0..count, &resolved, 0);
        let read_back = ReadBack::new(&self.device, resolved.size());
        encoder.copy_buffer_to_buffer(&resolved, 0, read_back.buffer(), 0, resolved.size());
        let buffer = encoder.finish();
        let encoded = begin.elapsed();
        self.device.queue.submit([buffer]);
        let submitted = begin.elapsed();
        let ticks = self.finish(read_back.start(), <[u64]>::to_vec).await?;
        let done = begin.elapsed();
        let mut profile = Profile::new(Method::Timestamps, dispatches);
        push_host(&mut profile, [encoded, submitted, done]);
        self.put_in_place(&mut profile, &ticks, dispatches, micros(done));
        Ok(profile)
    }

    /// Turns pairs of ticks into spans. The clocks of device and host share no origin: the last dispatch is taken to end
    /// when the host's wait does, which it does but for the read-back.
    fn put_in_place(&self, profile: &mut Profile, ticks: &[u64], dispatches: usize, end_us: f64) {
        let us_a_tick = f64::from(self.device.queue.get_timestamp_period()) / 1e3;
        let last = ticks.last().copied().unwrap_or(0);
        for (i, pair) in ticks.chunks_exact(2).enumerate() {
            let (dispatch, duration) = (i % dispatches, pair[1].saturating_sub(pair[0]) as f64 * us_a_tick);
            profile.dispatches_us[dispatch].push(duration);
            let start = end_us - last.saturating_sub(pair[0]) as f64 * us_a_tick;
            profile.push(Track::Device, dispatch.to_string(), start, duration);
        }
    }

    /// Times each dispatch by the difference between submits of many and of twice as many.
    fn by_repetition(&mut self, plan: usize, most_repeats: &[usize]) -> Result<Profile> {
        let dispatches = self.programs[plan].launches.len();
        let mut profile = Profile::new(Method::Repetition, dispatches);
        for (dispatch, most) in most_repeats.iter().enumerate().take(dispatches) {
            let most = (*most.min(&MOST_REPEATS) / 2).max(1);
            let mut count = 1;
            let mut took = self.repeat(plan, dispatch, count)?;
            while took < REPEAT_FOR && count < most {
                count = (2 * count).min(most);
                took = self.repeat(plan, dispatch, count)?;
            }
            for _ in 0..DIFFERENCES {
                let (once, twice) = (self.repeat(plan, dispatch, count)?, self.repeat(plan, dispatch, 2 * count)?);
                profile.dispatches_us[dispatch].push(micros(twice.saturating_sub(once)) / count as f64);
            }
        }
        self.lay_out(plan, &mut profile)?;
        Ok(profile)
    }

    /// The host's spans of one step, its dispatches one after the other in the wait.
    fn lay_out(&mut self, plan: usize, profile: &mut Profile) -> Result<()> {
        self.reset(plan)?;
        let begin = Instant::now();
        let mut encoder = self.encoder();
        encode(&mut encoder, self.programs[plan].steps(1));
        let buffer = encoder.finish();
        let encoded = begin.elapsed();
        self.device.queue.submit([buffer]);
        let submitted = begin.elapsed();
        self.wait()?;
        push_host(profile, [encoded, submitted, begin.elapsed()]);
        let mut at = micros(submitted);
        for dispatch in 0..profile.dispatches_us.len() {
            let mut times = profile.dispatches_us[dispatch].clone();
            times.sort_by(f64::total_cmp);
            let middle = times.get(times.len() / 2).copied().unwrap_or(0.0);
            profile.push(Track::Device, dispatch.to_string(), at, middle);
            at += middle;
        }
        Ok(())
    }

    /// Time of a submit with `count` times the same dispatch, its wait included.
    pub fn repeat(&mut self, plan: usize, dispatch: usize, count: usize) -> Result<Duration> {
        self.reset(plan)?;
        self.device.queue.submit([]);
        self.wait()?;
        let begin = Instant::now();
        let mut encoder = self.encoder();
        encode(&mut encoder, std::iter::repeat_n(&self.programs[plan].launches[dispatch], count));
        self.device.queue.submit([encoder.finish()]);
        self.wait()?;
        Ok(begin.elapsed())
    }

    fn wait(&self) -> Result<()> {
        self.device.wait("profile", "while it was profiled")
    }
}
