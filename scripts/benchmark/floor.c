// SPDX-License-Identifier: Apache-2.0
// The kernel's own cost of a container: namespaces, overlay mount, pivot_root, exec, reap. Nothing else.
// usage: floor LOWERDIR WORKPLACE PROGRAM
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static char options[4096], merged[4096];
static char **program;

static void must(int result, const char *what) {
    if (result == -1) {
        perror(what);
        _exit(125);
    }
}

static int child(void *unused) {
    (void)unused;
    must(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "private");
    must(mount("overlay", merged, "overlay", 0, options), "overlay");
    must(chdir(merged), "chdir");
    mkdir("proc", 0755);
    must(mount("proc", "proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL), "proc");
    must(syscall(SYS_pivot_root, ".", "."), "pivot_root");
    must(umount2(".", MNT_DETACH), "umount");
    must(chdir("/"), "chdir");
    execv(program[0], program);
    must(-1, "execv");
    return 0;
}

int main(int argc, char **argv) {
    if (argc < 4) return 64;
    char path[4096];
    program = argv + 3;
    for (const char **name = (const char *[]){"upper", "work", "merged", NULL}; *name; name++) {
        snprintf(path, sizeof path, "%s/%s", argv[2], *name);
        mkdir(path, 0755);
    }
    snprintf(options, sizeof options, "lowerdir=%s,upperdir=%s/upper,workdir=%s/work,volatile", argv[1], argv[2], argv[2]);
    snprintf(merged, sizeof merged, "%s/merged", argv[2]);
    static char stack[1 << 16] __attribute__((aligned(16)));
    int pid = clone(child, stack + sizeof stack, CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNET | SIGCHLD, NULL);
    must(pid, "clone");
    int status;
    must(waitpid(pid, &status, 0), "waitpid");
    snprintf(path, sizeof path, "%s/work/work/incompat/volatile/dirty", argv[2]);
    unlink(path);
    snprintf(path, sizeof path, "%s/work/work/incompat/volatile", argv[2]);
    rmdir(path);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 125;
}
