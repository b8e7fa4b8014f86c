//! The machine, and what processes take of it. Read from `/proc`; elsewhere the answer is that nobody knows.

use std::fs;

/// Ticks per second of processor times in `/proc`: the same on every Linux that we build for.
const TICKS: f64 = 100.0;

/// What a reader must know about the machine.
pub(crate) fn describe() -> Vec<(String, String)> {
    let text = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let field = |text: &str, name: &str| {
        text.lines()
            .find(|line| line.starts_with(name))
            .and_then(|line| line.split_once(':'))
            .map_or_else(|| "unknown".to_owned(), |(_, value)| value.trim().to_owned())
    };
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let load = text("/proc/loadavg");
    let load = load.split_whitespace().next().unwrap_or("unknown").to_owned();
    let kernel = text("/proc/sys/kernel/osrelease");
    vec![
        (
            "Processor".to_owned(),
            format!("{cores} × {}", field(&text("/proc/cpuinfo"), "model name")),
        ),
        ("Memory".to_owned(), field(&text("/proc/meminfo"), "MemTotal")),
        (
            "System".to_owned(),
            format!("{} {}", std::env::consts::OS, kernel.trim()),
        ),
        (
            "Load when it began".to_owned(),
            format!("{load} (above half the number of cores: others were at work, only ratios count)"),
        ),
    ]
}

/// Processor seconds that a process has used.
pub(crate) fn cpu_seconds(pid: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The name in parentheses may hold anything, so what follows it is counted.
    let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks = fields.split_whitespace().skip(11).take(2);
    ticks.filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / TICKS
}

/// Processor seconds of a process and those started by it.
pub(crate) fn cpu_seconds_of_tree(pid: u32) -> f64 {
    tree(pid).into_iter().map(cpu_seconds).sum()
}

/// Resident memory of one process in MiB.
pub(crate) fn resident_mib(pid: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    kib(&status, "VmRSS:") / 1024.0
}

/// Memory of a process and those started by it in MiB; what they share is counted once.
pub(crate) fn proportional_mib_of_tree(pid: u32) -> f64 {
    let one = |pid: u32| {
        let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
        kib(&rollup, "Pss:") / 1024.0
    };
    tree(pid).into_iter().map(one).sum()
}

fn kib(text: &str, name: &str) -> f64 {
    text.lines()
        .find_map(|line| line.strip_prefix(name))
        .and_then(|rest| rest.split_whitespace().next()?.parse().ok())
        .unwrap_or(0.0)
}

/// A process and its children; servers do not nest deeper.
fn tree(pid: u32) -> Vec<u32> {
    let parent_of = |child: u32| {
        let stat = fs::read_to_string(format!("/proc/{child}/stat")).ok()?;
        let (_, rest) = stat.rsplit_once(')')?;
        rest.split_whitespace().nth(1)?.parse::<u32>().ok()
    };
    let all = fs::read_dir("/proc").into_iter().flatten().flatten();
    let numbers = all.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    std::iter::once(pid)
        .chain(numbers.filter(|child| parent_of(*child) == Some(pid)))
        .collect()
}

#[cfg(test)]
mod tests {
    #[test]
    #[cfg(target_os = "linux")]
    fn a_process_is_seen_with_its_memory_and_its_children() {
        let mut child = std::process::Command::new("sleep").arg("5").spawn().unwrap();
        let own = std::process::id();
        assert!(super::tree(own).contains(&child.id()));
        assert!(super::resident_mib(own) > 0.5);
        assert!(super::proportional_mib_of_tree(own) > 0.5);
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
