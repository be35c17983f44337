// SPDX-License-Identifier: Apache-2.0

package import OCI

/// The default filter: what Docker's default profile allows, as data. What it does not name is refused with EPERM.
///
/// Source of the facts: github.com/moby/profiles, seccomp/default.json. Which architectures and which capabilities make a difference is
/// settled here, so that the profile is plain OCI.
package enum DefaultSeccomp {
    package enum Architecture: String, Sendable, CaseIterable {
        case amd64
        case arm64

        /// The machine that this program was built for.
        package static var native: Self {
            #if arch(arm64)
            .arm64
            #else
            .amd64
            #endif
        }

        /// As libseccomp has it.
        package var name: String { names[0] }

        var names: [String] {
            switch self {
            case .amd64: ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"]
            case .arm64: ["SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"]
            }
        }
    }

    /// - Parameter capabilities: the bounding set; some of them bring their calls with them.
    package static func profile(
        capabilities: [String], architecture: Architecture = .native
    ) -> RuntimeSpec.Linux.Seccomp {
        let held = Set(capabilities)
        var allowed = always
        switch architecture {
        case .amd64: allowed += ["arch_prctl", "modify_ldt"]
        case .arm64: allowed += ["arm_fadvise64_64", "arm_sync_file_range", "sync_file_range2", "breakpoint", "cacheflush", "set_tls"]
        }
        for (capability, calls) in byCapability where held.contains(capability) {
            for call in calls where !allowed.contains(call) { allowed.append(call) }
        }
        var rules = [RuntimeSpec.Linux.SeccompSyscall(names: allowed, action: "SCMP_ACT_ALLOW")]
        rules += sockets
        rules += personalities
        if !held.contains("CAP_SYS_ADMIN") {
            // No namespaces by clone; clone3's flags lie in memory where no filter can look, so it must not be there at all:
            // libc then takes clone.
            rules.append(rule("clone", "SCMP_CMP_MASKED_EQ", namespaceFlags, 0))
            rules.append(RuntimeSpec.Linux.SeccompSyscall(names: ["clone3"], action: "SCMP_ACT_ERRNO", errnoRet: 38))
        }
        return RuntimeSpec.Linux.Seccomp(
            defaultAction: "SCMP_ACT_ERRNO", defaultErrnoRet: 1, architectures: architecture.names, syscalls: rules)
    }

    /// CLONE_NEWNS | NEWCGROUP | NEWUTS | NEWIPC | NEWUSER | NEWPID | NEWNET.
    private static let namespaceFlags: UInt64 = 0x7E02_0000

    private static func rule(_ name: String, _ operation: String, _ value: UInt64, _ valueTwo: UInt64? = nil)
        -> RuntimeSpec.Linux.SeccompSyscall
    {
        RuntimeSpec.Linux.SeccompSyscall(
            names: [name], action: "SCMP_ACT_ALLOW",
            args: [RuntimeSpec.Linux.SeccompArgument(index: 0, value: value, valueTwo: valueTwo, op: operation)])
    }

    /// Address families: not AF_ALG (38), AF_VSOCK (40) and the obsolete ones. Source: socket(2), <linux/socket.h>.
    private static let sockets: [RuntimeSpec.Linux.SeccompSyscall] =
        [rule("socket", "SCMP_CMP_LT", 12)]
        + [13, 14, 15, 16, 17, 18, 21, 22, 24, 26, 27, 28, 29, 30, 31, 32, 33, 35, 36, 39, 41, 42, 43, 44, 45].map {
            rule("socket", "SCMP_CMP_EQ", $0)
        }

    /// LINUX, LINUX32, with and without UNAME26, and the question (0xFFFFFFFF). Source: personality(2).
    private static let personalities = [0, 8, 0x20000, 0x20008, 0xFFFF_FFFF].map { rule("personality", "SCMP_CMP_EQ", $0) }

    private static let byCapability: KeyValuePairs<String, [String]> = [
        "CAP_DAC_READ_SEARCH": ["open_by_handle_at"],
        "CAP_SYS_ADMIN": [
            "bpf", "clone", "clone3", "fanotify_init", "fsconfig", "fsmount", "fsopen", "fspick", "lookup_dcookie", "lsm_get_self_attr",
            "lsm_list_modules", "lsm_set_self_attr", "mount", "mount_setattr", "move_mount", "open_tree", "perf_event_open", "quotactl",
            "quotactl_fd", "setdomainname", "sethostname", "setns", "syslog", "umount", "umount2", "unshare",
        ],
        "CAP_SYS_BOOT": ["reboot"],
        "CAP_SYS_CHROOT": ["chroot"],
        "CAP_SYS_MODULE": ["delete_module", "finit_module", "init_module"],
        "CAP_SYS_PACCT": ["acct"],
        "CAP_SYS_PTRACE": ["kcmp", "pidfd_getfd", "process_madvise"],
        "CAP_SYS_RAWIO": ["iopl", "ioperm"],
        "CAP_SYS_TIME": ["clock_settime", "clock_settime64", "settimeofday", "stime"],
        "CAP_SYS_TTY_CONFIG": ["vhangup"],
        "CAP_SYS_NICE": ["get_mempolicy", "mbind", "set_mempolicy", "set_mempolicy_home_node"],
        "CAP_SYSLOG": ["syslog"],
        "CAP_BPF": ["bpf"],
        "CAP_PERFMON": ["perf_event_open"],
    ]

    private static func words(_ text: String) -> [String] { text.split { $0 == " " || $0 == "\n" }.map { String($0) } }

    /// By topic. Names of other architectures and of kernels to come do no harm.
    private static let always: [String] = words(
        """
        accept accept4 bind connect getpeername getsockname getsockopt listen recv recvfrom recvmmsg recvmmsg_time64 recvmsg send sendmmsg
        sendmsg sendto setsockopt shutdown socketcall socketpair

        access chdir chmod chown chown32 close close_range copy_file_range creat dup dup2 dup3 faccessat faccessat2 fadvise64 fadvise64_64
        fallocate fchdir fchmod fchmodat fchmodat2 fchown fchown32 fchownat fcntl fcntl64 fdatasync flock fstat fstat64 fstatat64 fstatfs
        fstatfs64 fsync ftruncate ftruncate64 futimesat getcwd getdents getdents64 ioctl lchown lchown32 link linkat listmount _llseek lseek
        lstat lstat64 mkdir mkdirat mknod mknodat name_to_handle_at newfstatat open openat openat2 pipe pipe2 pread64 preadv preadv2 pwrite64
        pwritev pwritev2 read readahead readlink readlinkat readv rename renameat renameat2 rmdir sendfile sendfile64 splice stat stat64 statfs
        statfs64 statmount statx symlink symlinkat sync sync_file_range syncfs tee truncate truncate64 umask unlink unlinkat utime utimensat
        utimensat_time64 utimes vmsplice write writev

        fgetxattr flistxattr fremovexattr fsetxattr getxattr getxattrat lgetxattr listxattr listxattrat llistxattr lremovexattr lsetxattr
        removexattr removexattrat setxattr setxattrat

        epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait epoll_wait_old eventfd eventfd2 fanotify_mark
        inotify_add_watch inotify_init inotify_init1 inotify_rm_watch io_cancel io_destroy io_getevents io_pgetevents io_pgetevents_time64
        io_setup io_submit _newselect poll ppoll ppoll_time64 pselect6 pselect6_time64 select signalfd signalfd4

        brk cachestat madvise map_shadow_stack memfd_create memfd_secret mincore mlock mlock2 mlockall mmap mmap2 mprotect mremap mseal msync
        munlock munlockall munmap pkey_alloc pkey_free pkey_mprotect process_mrelease remap_file_pages

        execve execveat exit exit_group fork getcpu getpgid getpgrp getpid getppid getpriority getrlimit getrusage getsid gettid ioprio_get
        ioprio_set kill pidfd_open pidfd_send_signal prctl prlimit64 process_vm_readv process_vm_writev ptrace restart_syscall rseq
        sched_getaffinity sched_getattr sched_getparam sched_get_priority_max sched_get_priority_min sched_getscheduler sched_rr_get_interval
        sched_rr_get_interval_time64 sched_setaffinity sched_setattr sched_setparam sched_setscheduler sched_yield setpgid setpriority setrlimit
        setsid set_thread_area set_tid_address get_thread_area tgkill tkill ugetrlimit vfork wait4 waitid waitpid

        capget capset getegid getegid32 geteuid geteuid32 getgid getgid32 getgroups getgroups32 getresgid getresgid32 getresuid getresuid32
        getuid getuid32 landlock_add_rule landlock_create_ruleset landlock_restrict_self seccomp setfsgid setfsgid32 setfsuid setfsuid32 setgid
        setgid32 setgroups setgroups32 setregid setregid32 setresgid setresgid32 setresuid setresuid32 setreuid setreuid32 setuid setuid32

        pause rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64
        rt_tgsigqueueinfo sigaltstack sigprocmask sigreturn

        futex futex_requeue futex_time64 futex_wait futex_waitv futex_wake get_robust_list membarrier set_robust_list

        ipc mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedreceive_time64 mq_timedsend mq_timedsend_time64 mq_unlink msgctl msgget
        msgrcv msgsnd semctl semget semop semtimedop semtimedop_time64 shmat shmctl shmdt shmget

        adjtimex alarm clock_adjtime clock_adjtime64 clock_getres clock_getres_time64 clock_gettime clock_gettime64 clock_nanosleep
        clock_nanosleep_time64 getitimer gettimeofday nanosleep setitimer time timer_create timer_delete timer_getoverrun timer_gettime
        timer_gettime64 timer_settime timer_settime64 timerfd_create timerfd_gettime timerfd_gettime64 timerfd_settime timerfd_settime64 times

        getrandom riscv_hwprobe sysinfo uname uretprobe
        """)
}
