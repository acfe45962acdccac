//! Why a command that was free to choose computes on the CPU.

use rectify::DeviceChoice;
use rectify::device::probe_cuda;

use super::failure::one_line;
use super::output::OutputArgs;

/// Says on standard error, in one line, what keeps a command that chose `device` by itself from a GPU.
pub fn of_choice(choice: DeviceChoice, device: &str, output: OutputArgs) {
    if choice != DeviceChoice::Auto || device != "cpu" || output.quiet {
        return;
    }
    let problem = probe_cuda().problem.unwrap_or_else(|| "CUDA failed to start: --device cuda says why".into());
    eprintln!("running on the CPU: {}", one_line(&problem));
}
