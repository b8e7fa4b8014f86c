//! Linux: processes are read from `/proc`, and the kernel tells children that their parent died.
//!
//! "Signal me when my parent dies" means the parent *thread* in Linux: a child started from a worker thread
//! would be stopped when that worker retires. Hence one thread that never ends and starts them all.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::{fs, io};

use nix::sys::prctl;
use nix::sys::signal::Signal;
use nix::unistd::getppid;

/// What ties a child to this process: here the kernel does, so there is nothing to hold.
pub(crate) type Leash = ();

/// When the process began, in a measure that tells it from a later one with the same id. None for a zombie.
pub(crate) fn started(pid: u32) -> Option<u64> {
    // Field 22 counts from after the command's name, which is in parentheses and may hold anything.
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut fields = fields.split(' ');
    let zombie = fields.next()? == "Z";
    let started = fields.nth(18)?.parse().ok()?;
    (!zombie).then_some(started)
}

/// Whether the process is the server of this cluster, which is its working directory.
pub(crate) fn works_in(pid: u32, cluster: &Path) -> bool {
    fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd == cluster)
}

struct Job {
    command: Command,
    reply: Sender<io::Result<Child>>,
}

static SPAWNER: OnceLock<Mutex<Sender<Job>>> = OnceLock::new();

/// Starts a child in a process group of its own, so that Ctrl-C reaches this process first. With a signal, the
/// child gets it when this process ends in whatever way.
pub(crate) fn spawn(mut command: Command, on_parent_death: Option<Signal>) -> io::Result<(Child, Leash)> {
    command.process_group(0);
    let Some(signal) = on_parent_death else {
        return Ok((command.spawn()?, ()));
    };
    die_with_parent(&mut command, signal);
    let (reply, answer) = channel();
    SPAWNER
        .get_or_init(start)
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .send(Job { command, reply })
        .map_err(|_| io::Error::other("the thread that starts children is gone"))?;
    let child = answer
        .recv()
        .map_err(|_| io::Error::other("the thread that starts children is gone"))??;
    Ok((child, ()))
}

fn start() -> Mutex<Sender<Job>> {
    let (jobs, queue) = channel::<Job>();
    // If the thread cannot be made, its end of the queue is dropped and `spawn` reports that.
    let _ = std::thread::Builder::new()
        .name("child-spawner".to_owned())
        .spawn(move || {
            for mut job in queue {
                let _ = job.reply.send(job.command.spawn());
            }
        });
    Mutex::new(jobs)
}

#[expect(
    unsafe_code,
    reason = "pre_exec is unsafe; prctl and getppid are safe between fork and exec"
)]
fn die_with_parent(command: &mut Command, signal: Signal) {
    let parent = nix::unistd::getpid();
    // Safety: the closure allocates nothing and takes no lock. It runs after the uid is changed, which matters:
    // changing the uid clears the request.
    unsafe {
        command.pre_exec(move || {
            prctl::set_pdeathsig(signal)?;
            // The parent may have died before the request was made.
            if getppid() != parent {
                Err(io::ErrorKind::BrokenPipe.into())
            } else {
                Ok(())
            }
        });
    }
}
