"""Stops the shared test server once nobody has used it for a minute.

Arguments: the server's process, its lock file `postmaster.pid`, and the file that users hold a shared lock on.
"""

import fcntl
import os
import signal
import sys
import time

LOOK_EVERY_S = 5
LOOKS_WITHOUT_USERS = 12
STOP_WITHIN_S = 60


def runs(server, lock_file):
    """The server removes its file when it ends; a zombie, which still has an id, does not count therefore."""
    try:
        with open(lock_file, encoding="utf-8") as file:
            if file.readline().strip() != str(server):
                return False
        os.kill(server, 0)
    except OSError:
        return False
    return True


def nobody_uses(users):
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def watch(server, lock_file, users):
    idle = 0
    while runs(server, lock_file):
        time.sleep(LOOK_EVERY_S)
        if not nobody_uses(users):
            idle = 0
            continue
        idle += 1
        if idle >= LOOKS_WITHOUT_USERS:
            # The lock is kept until the end: who comes now waits, and then starts a new server.
            if runs(server, lock_file):
                os.kill(server, signal.SIGINT)
            patience = time.monotonic() + STOP_WITHIN_S
            while runs(server, lock_file) and time.monotonic() < patience:
                time.sleep(0.1)
            return
        fcntl.flock(users, fcntl.LOCK_UN)


# The parent goes, so that the watchdog is nobody's child; in a session of its own no terminal reaches it.
if os.fork() == 0:
    os.setsid()
    watch(int(sys.argv[1]), sys.argv[2], open(sys.argv[3], "rb"))
