// SPDX-License-Identifier: Apache-2.0
// Why it exists: prctl(2), keyctl(2), ioctl(2) and seccomp(2) are variadic, and the device number macros are macros.
// Each call is one kernel request; the sections name what it is for. Kernel 5.9 (close_range); the rest is old.
#pragma once
#include <net/if.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

// Attributes of the calling process. prctl(2).
static inline int ctr_prctl(int option, unsigned long a, unsigned long b) { return (int)syscall(SYS_prctl, option, a, b, 0UL, 0UL); }
static inline int ctr_set_dumpable(int on) { return ctr_prctl(4, (unsigned long)on, 0); }
static inline int ctr_set_keep_capabilities(int on) { return ctr_prctl(8, (unsigned long)on, 0); }
static inline int ctr_bounding_has(int capability) { return ctr_prctl(23, (unsigned long)capability, 0); }
static inline int ctr_bounding_drop(int capability) { return ctr_prctl(24, (unsigned long)capability, 0); }
static inline int ctr_set_subreaper(int on) { return ctr_prctl(36, (unsigned long)on, 0); }
static inline int ctr_set_no_new_privileges(void) { return ctr_prctl(38, 1, 0); }
static inline int ctr_ambient_clear(void) { return ctr_prctl(47, 4, 0); }
static inline int ctr_ambient_raise(int capability) { return ctr_prctl(47, 2, (unsigned long)capability); }

// Capability sets in one call, by bit masks. capset(2), version 3.
static inline int ctr_capset(uint64_t effective, uint64_t permitted, uint64_t inheritable) {
    struct { uint32_t version; int pid; } header = {0x20080522, 0};
    struct { uint32_t effective, permitted, inheritable; } data[2] = {
        {(uint32_t)effective, (uint32_t)permitted, (uint32_t)inheritable},
        {(uint32_t)(effective >> 32), (uint32_t)(permitted >> 32), (uint32_t)(inheritable >> 32)},
    };
    return (int)syscall(SYS_capset, &header, data);
}

static inline int ctr_capget(uint64_t *effective, uint64_t *permitted, uint64_t *inheritable) {
    struct { uint32_t version; int pid; } header = {0x20080522, 0};
    struct { uint32_t effective, permitted, inheritable; } data[2] = {{0, 0, 0}, {0, 0, 0}};
    int result = (int)syscall(SYS_capget, &header, data);
    *effective = (uint64_t)data[1].effective << 32 | data[0].effective;
    *permitted = (uint64_t)data[1].permitted << 32 | data[0].permitted;
    *inheritable = (uint64_t)data[1].inheritable << 32 | data[0].inheritable;
    return result;
}

// Who the calling thread is to filesystems; the old id is returned, and an error is not. setfsuid(2).
static inline uint32_t ctr_setfsuid(uint32_t uid) { return (uint32_t)syscall(SYS_setfsuid, uid); }
static inline uint32_t ctr_setfsgid(uint32_t gid) { return (uint32_t)syscall(SYS_setfsgid, gid); }

// Identity, by the raw calls: the process has one thread, so glibc's signalling of all threads is not wanted. setresuid(2).
static inline int ctr_setgroups(size_t count, const uint32_t *groups) { return (int)syscall(SYS_setgroups, count, groups); }
static inline int ctr_setgid(uint32_t gid) { return (int)syscall(SYS_setresgid, gid, gid, gid); }
static inline int ctr_setuid(uint32_t uid) { return (int)syscall(SYS_setresuid, uid, uid, uid); }

// Descriptors: glibc shows pipe2(2) and dup3(2) only to _GNU_SOURCE.
static inline int ctr_pipe(int *ends, int flags) { return (int)syscall(SYS_pipe2, ends, flags | 02000000 /* O_CLOEXEC */); }
static inline int ctr_dup3(int from, int to, int flags) { return (int)syscall(SYS_dup3, from, to, flags); }

/// A file without a name. memfd_create(2).
static inline int ctr_memory_file(const char *name) { return (int)syscall(SYS_memfd_create, name, 1U /* MFD_CLOEXEC */); }

/// Closes the descriptors from `first` to `last`. close_range(2).
static inline int ctr_close_range(unsigned first, unsigned last) { return (int)syscall(436, first, last, 0U); }

// Descriptors from `first` on become close-on-exec. close_range(2).
static inline int ctr_close_on_exec_from(unsigned first) { return (int)syscall(436, first, ~0U, 4U); }

// A session keyring of one's own. keyctl_join_session_keyring(3).
static inline int ctr_join_session_keyring(const char *name) { return (int)syscall(SYS_keyctl, 1, name); }

// How a process (0: the caller) is scheduled. sched_setattr(2), Linux 3.14; ioprio_set(2).
struct ctr_sched_attr {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
};
static inline int ctr_sched_setattr(int pid, const struct ctr_sched_attr *attributes) {
    return (int)syscall(SYS_sched_setattr, pid, attributes, 0U);
}
static inline int ctr_ioprio_set(int pid, int priority) { return (int)syscall(SYS_ioprio_set, 1 /* IOPRIO_WHO_PROCESS */, pid, priority); }

// A classic BPF program as this thread's filter; with SECCOMP_FILTER_FLAG_NEW_LISTENER the listener's descriptor. seccomp(2).
static inline int ctr_seccomp_load(unsigned flags, uint16_t count, const void *instructions) {
    struct { uint16_t count; const void *instructions; } program = {count, instructions};
    return (int)syscall(SYS_seccomp, 1 /* SECCOMP_SET_MODE_FILTER */, flags, &program);
}

/// Sets both limits of one resource; ~0 is "unlimited". prlimit(2).
static inline int ctr_set_limit(int resource, uint64_t soft, uint64_t hard) {
    uint64_t limit[2] = {soft, hard};
    return (int)syscall(SYS_prlimit64, 0, resource, limit, NULL);
}
static inline int ctr_get_limit(int resource, uint64_t *soft, uint64_t *hard) {
    uint64_t limit[2] = {0, 0};
    int result = (int)syscall(SYS_prlimit64, 0, resource, NULL, limit);
    *soft = limit[0];
    *hard = limit[1];
    return result;
}

// Signals, by the kernel's own interface: glibc keeps two numbers to itself. rt_sigaction(2), rt_sigprocmask(2).
static inline int ctr_default_signal(int number) {
    struct { void *handler; unsigned long flags; void *restorer; uint64_t mask; } action = {0, 0, 0, 0};
    return (int)syscall(SYS_rt_sigaction, number, &action, NULL, sizeof action.mask);
}
static inline int ctr_set_signal_mask(uint64_t mask, uint64_t *old) {
    return (int)syscall(SYS_rt_sigprocmask, 2 /* SIG_SETMASK */, &mask, old, sizeof mask);
}

static inline int ctr_personality(unsigned long persona) { return (int)syscall(SYS_personality, persona); }

// Terminals. ioctl_tty(2).
static inline int ctr_terminal_unlock(int main) {
    int off = 0;
    return ioctl(main, 0x40045431UL /* TIOCSPTLCK */, &off);
}
/// The other end of a terminal, opened without a path. Kernel 4.13.
static inline int ctr_terminal_peer(int main, int flags) { return ioctl(main, 0x5441UL /* TIOCGPTPEER */, flags); }
static inline int ctr_terminal_control(int terminal) { return ioctl(terminal, 0x540EUL /* TIOCSCTTY */, 0); }
static inline int ctr_terminal_size(int terminal, uint16_t rows, uint16_t columns) {
    struct { uint16_t rows, columns, x, y; } size = {rows, columns, 0, 0};
    return ioctl(terminal, 0x5414UL /* TIOCSWINSZ */, &size);
}

/// Sends bytes with one descriptor. unix(7), SCM_RIGHTS; the CMSG_ macros are macros.
static inline ssize_t ctr_send_descriptor(int socket, const void *bytes, size_t count, int descriptor) {
    union { char bytes[CMSG_SPACE(sizeof(int))]; struct cmsghdr header; } control;
    struct iovec part = {(void *)bytes, count};
    struct msghdr message;
    memset(&message, 0, sizeof message);
    memset(&control, 0, sizeof control);
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.bytes;
    message.msg_controllen = sizeof control.bytes;
    control.header.cmsg_level = SOL_SOCKET;
    control.header.cmsg_type = SCM_RIGHTS;
    control.header.cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(&control.header), &descriptor, sizeof descriptor);
    return sendmsg(socket, &message, MSG_NOSIGNAL);
}

/// Receives bytes with at most one descriptor, close-on-exec; -1 in *descriptor where none came along.
static inline ssize_t ctr_receive_descriptor(int socket, void *bytes, size_t count, int *descriptor) {
    union { char bytes[CMSG_SPACE(sizeof(int))]; struct cmsghdr header; } control;
    struct iovec part = {bytes, count};
    struct msghdr message;
    memset(&message, 0, sizeof message);
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.bytes;
    // Not the padding as well: the kernel would put a second descriptor there, which nobody would close.
    message.msg_controllen = CMSG_LEN(sizeof(int));
    *descriptor = -1;
    ssize_t result = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (result >= 0 && header != NULL && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS)
        memcpy(descriptor, CMSG_DATA(header), sizeof *descriptor);
    return result;
}

/// Brings an interface up. netdevice(7).
static inline int ctr_interface_up(int socket, const char *name) {
    struct ifreq request;
    memset(&request, 0, sizeof request);
    strncpy(request.ifr_name, name, sizeof request.ifr_name - 1);
    if (ioctl(socket, 0x8913UL /* SIOCGIFFLAGS */, &request) == -1) return -1;
    request.ifr_flags |= 1 /* IFF_UP */;
    return ioctl(socket, 0x8914UL /* SIOCSIFFLAGS */, &request);
}

// Device numbers. makedev(3).
static inline uint64_t ctr_makedev(uint32_t major, uint32_t minor) { return makedev(major, minor); }
static inline uint32_t ctr_major(uint64_t device) { return major(device); }
static inline uint32_t ctr_minor(uint64_t device) { return minor(device); }

static inline int ctr_execve(const char *path, char *const *arguments, char *const *environment) {
    return execve(path, arguments, environment);
}
