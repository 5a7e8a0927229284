"""The filter of system calls, as a classic BPF program for ``bwrap --seccomp``.

Most calls are allowed, since Python and its modules use many and new C libraries use others. Refused with
EPERM are those that reach beyond one's own processes and files, or open parts of the kernel that ordinary
programs never use and exploits often do: sockets, tracing, mounts, namespaces, keys, BPF, performance
events, kernel modules; and memory that no limit counts (``memfd_create``, System V and POSIX queues). Calls
newer than this table, ``io_uring`` and ``clone3`` answer ENOSYS, "not in this kernel", so that the C library
falls back to an older call, one whose flags a filter can read. Another architecture's calls (32 bit, x32)
kill the process, because their numbers mean something else. Format: ``linux/filter.h``, ``linux/seccomp.h``.
"""

import errno
import platform
import struct
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

__all__ = ["ARCHITECTURES", "seccomp_program"]

LOAD, EQUAL, AT_LEAST, ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
"""BPF: load a word; jump if equal, if not less, if a bit is shared; return."""
NUMBER, ARCHITECTURE, FIRST_ARGUMENT, SECOND_ARGUMENT = 0, 4, 16, 24
"""Where ``struct seccomp_data`` has its fields; of an argument the low half (little-endian machines)."""
ALLOW, KILL, ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
EPERM, ENOSYS = ERRNO | errno.EPERM, ERRNO | errno.ENOSYS

NEW_NAMESPACES = 0x7E020000
"""Every ``CLONE_NEW*`` flag that ``clone`` takes."""
X32 = 0x40000000
NEWEST = 462
"""``mseal`` of Linux 6.10, the last call that was looked at for this table."""
TERMINAL_COMMANDS = (0x5412, 0x541C)
"""``TIOCSTI`` and ``TIOCLINUX``: they type into a terminal."""
AF_UNIX = 1


class Machine(NamedTuple):
    """One architecture: its audit number, the calls refused, and those looked at more closely."""

    audit: int
    refused: tuple[int, ...]
    clone: int
    ioctl: int
    socketpair: int


COMMON_REFUSED = (
    *(425, 426, 427),  # io_uring: does much that the filter would not see
    *(428, 429, 430, 431, 432, 433, 442),  # open_tree, move_mount, fsopen … fspick, mount_setattr
    *(438, 440, 443, 447, 450),  # pidfd_getfd, process_madvise, quotactl_fd, memfd_secret, NUMA home node
    *(457, 458, 459, 460, 461),  # statmount, listmount, security modules
)
X86_64_REFUSED = (
    41,  # socket
    *(101, 310, 311, 312),  # ptrace, process_vm_readv, process_vm_writev, kcmp
    *(165, 166, 155, 161),  # mount, umount2, pivot_root, chroot
    *(272, 308),  # unshare, setns
    *(321, 298, 323),  # bpf, perf_event_open, userfaultfd
    *(248, 249, 250),  # add_key, request_key, keyctl
    *(246, 320, 175, 313, 176),  # kexec, kernel modules
    *(174, 177, 178, 156, 180),  # old calls on modules, _sysctl, nfsservctl
    *(319, 278),  # memfd_create, vmsplice
    *(29, 30, 31, 67, 64, 65, 66, 220, 68, 69, 70, 71, 240),  # shared memory, semaphores, queues
    *(303, 304, 300, 179, 163, 167, 168),  # file handles, fanotify, quotas, accounting, swap
    *(169, 103, 135, 153, 212),  # reboot, syslog, personality, vhangup, lookup_dcookie
    *(164, 227, 159, 305, 170, 171),  # clocks and names of the machine
    *(256, 279, 237, 238),  # where memory lies
    *(172, 173, 154, 134, 136, 139),  # iopl, ioperm, modify_ldt, uselib, ustat, sysfs
)
AARCH64_REFUSED = (
    198,  # socket
    *(117, 270, 271, 272),  # ptrace, process_vm_readv, process_vm_writev, kcmp
    *(40, 39, 41, 51),  # mount, umount2, pivot_root, chroot
    *(97, 268),  # unshare, setns
    *(280, 241, 282),  # bpf, perf_event_open, userfaultfd
    *(217, 218, 219),  # add_key, request_key, keyctl
    *(104, 294, 105, 273, 106),  # kexec, kernel modules
    42,  # nfsservctl
    *(279, 75),  # memfd_create, vmsplice
    *(194, 195, 196, 197, 190, 191, 192, 193, 186, 187, 188, 189, 180),  # shared memory, semaphores, queues
    *(264, 265, 262, 60, 89, 224, 225),  # file handles, fanotify, quotas, accounting, swap
    *(142, 116, 92, 58, 18),  # reboot, syslog, personality, vhangup, lookup_dcookie
    *(170, 112, 171, 266, 161, 162),  # clocks and names of the machine
    *(238, 239, 235, 237),  # where memory lies
)
ARCHITECTURES = {
    "x86_64": Machine(0xC000003E, X86_64_REFUSED, clone=56, ioctl=16, socketpair=53),
    "aarch64": Machine(0xC00000B7, AARCH64_REFUSED, clone=220, ioctl=29, socketpair=199),
}
"""By ``platform.machine()``."""
CLONE3 = 435
"""Its flags lie in memory, where a filter cannot look."""


def _instructions(machine: Machine) -> Iterator[tuple[int, int, int, int]]:
    """Yield (operation, jump if true, jump if false, value)."""
    yield LOAD, 0, 0, ARCHITECTURE
    yield EQUAL, 1, 0, machine.audit
    yield RETURN, 0, 0, KILL
    yield LOAD, 0, 0, NUMBER
    yield AT_LEAST, 0, 1, X32
    yield RETURN, 0, 0, KILL
    yield AT_LEAST, 0, 1, NEWEST + 1
    yield RETURN, 0, 0, ENOSYS
    yield EQUAL, 0, 1, CLONE3
    yield RETURN, 0, 0, ENOSYS
    for number in (*machine.refused, *COMMON_REFUSED):
        yield EQUAL, 0, 1, number
        yield RETURN, 0, 0, ENOSYS if 425 <= number <= 427 else EPERM
    yield EQUAL, 0, 4, machine.clone
    yield LOAD, 0, 0, FIRST_ARGUMENT
    yield ANY_BIT, 0, 1, NEW_NAMESPACES
    yield RETURN, 0, 0, EPERM
    yield RETURN, 0, 0, ALLOW
    yield EQUAL, 0, 4, machine.socketpair
    yield LOAD, 0, 0, FIRST_ARGUMENT
    yield EQUAL, 1, 0, AF_UNIX
    yield RETURN, 0, 0, EPERM
    yield RETURN, 0, 0, ALLOW
    yield EQUAL, 0, 4, machine.ioctl
    yield LOAD, 0, 0, SECOND_ARGUMENT
    yield EQUAL, 1, 0, TERMINAL_COMMANDS[0]
    yield EQUAL, 0, 1, TERMINAL_COMMANDS[1]
    yield RETURN, 0, 0, EPERM
    yield RETURN, 0, 0, ALLOW


@cache
def seccomp_program(machine: str = platform.machine()) -> bytes:
    """Return the filter as an array of ``struct sock_filter``, 8 bytes an instruction.

    Args:
        machine: a key of :data:`ARCHITECTURES`.

    Raises:
        KeyError: the machine is none of them.
    """
    return b"".join(
        struct.pack("=HBBI", operation, then, otherwise, value)
        for operation, then, otherwise, value in _instructions(ARCHITECTURES[machine])
    )
