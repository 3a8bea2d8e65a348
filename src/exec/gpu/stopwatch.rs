//! Times a small program on a device by the host's clock: many dispatches in a submit, many submits, a read-back.

use super::adapter::GpuDevice;
use super::build::{Launch, encode};
use super::fault::scoped;
use super::probe::{Contents, Pass, Program};
use super::read_back::ReadBack;
use crate::error::{Error, Result};
use std::time::{Duration, Instant};

/// A program with its buffers, ready to run many times.
pub struct Stopwatch<'a> {
    gpu: &'a GpuDevice,
    launch: Launch,
    last: wgpu::Buffer,
}

impl<'a> Stopwatch<'a> {
    /// Builds `program` over `buffers`, binding i of which is `buffers[i]`, for dispatches of `groups` workgroups.
    ///
    /// # Errors
    /// [`Error::Gpu`] with the program's name.
    pub async fn new(
        gpu: &'a GpuDevice,
        program: &Program<'_>,
        buffers: &[Contents],
        groups: u32,
    ) -> Result<Stopwatch<'a>> {
        let pipeline = scoped(&gpu.device, program.name, || program.pipeline(gpu)).await?;
        let mut made = Vec::with_capacity(buffers.len());
        for contents in buffers {
            made.push(scoped(&gpu.device, program.name, || contents.buffer(gpu)).await?);
        }
        let places: Vec<usize> = (0..made.len()).collect();
        let pass = Pass { program: 0, buffers: &places, groups: [groups, 1, 1] };
        let launch = scoped(&gpu.device, program.name, || pass.launch(gpu, &pipeline, &made)).await?;
        let last = made.pop().ok_or_else(|| Error::Internal(format!("the probe {} has no buffer", program.name)))?;
        Ok(Stopwatch { gpu, launch, last })
    }

    /// One submit of `count` dispatches, each of which needs what the last one wrote, with the wait for its end.
    ///
    /// # Errors
    /// [`Error::Gpu`], [`Error::Device`].
    pub fn dispatches(&self, count: usize) -> Result<Duration> {
        let begin = Instant::now();
        self.gpu.queue.submit([self.encode(count).finish()]);
        self.gpu.wait("probe", "while it was measured")?;
        Ok(begin.elapsed())
    }

    /// `count` submits of one dispatch, with the wait for the end of all.
    ///
    /// # Errors
    /// As [`Stopwatch::dispatches`].
    pub fn submits(&self, count: usize) -> Result<Duration> {
        let begin = Instant::now();
        for _ in 0..count {
            self.gpu.queue.submit([self.encode(1).finish()]);
        }
        self.gpu.wait("probe", "while it was measured")?;
        Ok(begin.elapsed())
    }

    /// One submit of one dispatch and a copy of four bytes of its last buffer, until the host has them.
    ///
    /// # Errors
    /// As [`Stopwatch::dispatches`].
    pub async fn read_back(&self) -> Result<Duration> {
        let begin = Instant::now();
        let mut encoder = self.encode(1);
        let read_back = ReadBack::new(self.gpu, 4);
        encoder.copy_buffer_to_buffer(&self.last, 0, read_back.buffer(), 0, 4);
        self.gpu.queue.submit([encoder.finish()]);
        read_back.start().finish(self.gpu, |_: &[u32]| ()).await?;
        Ok(begin.elapsed())
    }

    fn encode(&self, count: usize) -> wgpu::CommandEncoder {
        let mut encoder = self.gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        encode(&mut encoder, std::iter::repeat_n(&self.launch, count));
        encoder
    }
}
