// SPDX-License-Identifier: Apache-2.0
// What tests run inside a container: one static binary with verbs. Answers are lines "name value" on stdout.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void tell(const char *name, long result) { printf("%s %s\n", name, result == -1 ? strerrorname_np(errno) : "ok"); }

// System calls by the native way, by x32's numbers and, on x86, by the 32-bit gate.
static int calls(void) {
    tell("unshare", syscall(SYS_unshare, CLONE_NEWNS));
    tell("mount", syscall(SYS_mount, "none", "/tmp", "tmpfs", 0, ""));
    tell("unshare-user", syscall(SYS_unshare, CLONE_NEWUSER));
    tell("setns", syscall(SYS_setns, 0, 0));
    tell("keyctl", syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0));
    tell("add_key", syscall(SYS_add_key, "user", "x", "y", 1, KEY_SPEC_SESSION_KEYRING));
    tell("bpf", syscall(SYS_bpf, 0, 0, 0));
    tell("userfaultfd", syscall(SYS_userfaultfd, 0));
    tell("io_uring_setup", syscall(425, 1, 0));
    tell("perf_event_open", syscall(SYS_perf_event_open, 0, 0, 0, 0, 0));
    tell("open_by_handle_at", syscall(SYS_open_by_handle_at, 0, 0, 0));
    tell("kexec_load", syscall(SYS_kexec_load, 0, 0, 0, 0));
    tell("init_module", syscall(SYS_init_module, 0, 0, 0));
    tell("clone3", syscall(435, 0, 0));
    tell("clone-newuser", syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0));
    tell("fchmodat2", syscall(452, AT_FDCWD, "/nowhere", 0, 0));
    tell("unknown", syscall(999, 0));
    tell("socket-alg", syscall(SYS_socket, 38, 5, 0));
    tell("socket-vsock", syscall(SYS_socket, 40, 1, 0));
    tell("socket-inet", syscall(SYS_socket, 2, 1, 0));
    tell("personality-linux", syscall(SYS_personality, 0UL));
    tell("personality-other", syscall(SYS_personality, 0x0040000UL));
#ifdef __x86_64__
    tell("x32-mount", syscall(0x40000000 + SYS_mount, "none", "/tmp", "tmpfs", 0, ""));
    tell("x32-unshare", syscall(0x40000000 + SYS_unshare, CLONE_NEWNS));
    int result;
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(310 /* unshare */), "b"(CLONE_NEWNS) : "memory", "r8", "r9", "r10", "r11");
    if (result < 0) { errno = -result; result = -1; }
    tell("int80-unshare", result);
#endif
    return 0;
}

// Every open descriptor, its flags and what it is.
static int descriptors(void) {
    for (int fd = 0; fd < 65536; fd++) {
        if (fcntl(fd, F_GETFD) == -1) continue;
        char name[64], target[4096];
        snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
        ssize_t length = readlink(name, target, sizeof target - 1);
        printf("%d %.*s\n", fd, length < 0 ? 0 : (int)length, target);
    }
    return 0;
}

static int signals(void) {
    sigset_t blocked;
    sigprocmask(SIG_SETMASK, NULL, &blocked);
    for (int number = 1; number < 65; number++) {
        struct sigaction action;
        if (number == 32 || number == 33) continue;
        if (sigismember(&blocked, number) == 1) printf("blocked %d\n", number);
        if (sigaction(number, NULL, &action) == 0 && action.sa_handler != SIG_DFL) printf("ignored %d\n", number);
    }
    return 0;
}

static int devices(void) {
    mknod("/tmp/mem", S_IFCHR | 0666, makedev(1, 1));
    tell("mknod", access("/tmp/mem", F_OK));
    tell("open-mem", open("/tmp/mem", O_RDONLY));
    mknod("/tmp/loop", S_IFBLK | 0666, makedev(7, 0));
    tell("open-loop", open("/tmp/loop", O_RDONLY));
    tell("open-null", open("/dev/null", O_RDWR));
    tell("open-ptmx", open("/dev/ptmx", O_RDWR | O_NOCTTY));
    return 0;
}

// Takes memory until it is killed.
static int eat(void) {
    for (;;) {
        char *page = malloc(1 << 20);
        if (page == NULL) return 9;
        memset(page, 1, 1 << 20);
    }
}

// Takes so many MiB and keeps them.
static int hold(int count) {
    char *block = malloc((size_t)count << 20);
    if (block == NULL) return 9;
    memset(block, 1, (size_t)count << 20);
    puts("ready");
    fflush(stdout);
    for (;;) { block[0]++; pause(); }
}

// Children until it is refused; tells how many.
static int children(void) {
    int count = 0;
    for (; count < 5000; count++) {
        pid_t pid = fork();
        if (pid == -1) break;
        if (pid == 0) { pause(); _exit(0); }
    }
    printf("children %d\n", count);
    fflush(stdout);
    kill(-1, SIGKILL);
    return 0;
}

// Tries to write to the binary of every process that it can see.
static int overwrite(void) {
    for (int pid = 1; pid < 40; pid++) {
        char name[64];
        snprintf(name, sizeof name, "/proc/%d/exe", pid);
        int fd = open(name, O_WRONLY);
        if (fd != -1) { printf("writable %s\n", name); close(fd); }
    }
    return 0;
}

int main(int count, char **arguments) {
    const char *verb = count > 1 ? arguments[1] : "";
    if (!strcmp(verb, "calls")) return calls();
    if (!strcmp(verb, "descriptors")) return descriptors();
    if (!strcmp(verb, "signals")) return signals();
    if (!strcmp(verb, "devices")) return devices();
    if (!strcmp(verb, "eat")) return eat();
    if (!strcmp(verb, "hold")) return hold(atoi(arguments[2]));
    if (!strcmp(verb, "children")) return children();
    if (!strcmp(verb, "overwrite")) return overwrite();
    if (!strcmp(verb, "exit")) return atoi(arguments[2]);
    if (!strcmp(verb, "raise")) { raise(atoi(arguments[2])); return 0; }
    if (!strcmp(verb, "pause")) { puts("ready"); fflush(stdout); for (;;) pause(); }
    fprintf(stderr, "unknown verb \"%s\"\n", verb);
    return 64;
}
