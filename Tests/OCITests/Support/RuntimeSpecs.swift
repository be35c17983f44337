// SPDX-License-Identifier: Apache-2.0

/// Specs as other programs write them.
enum RuntimeSpecs {
    /// `runc spec`, of runc 1.1.5.
    static let runc = #"""
        {
          "ociVersion": "1.0.2-dev",
          "process": {
            "terminal": true,
            "user": {"uid": 0, "gid": 0},
            "args": ["sh"],
            "env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm"],
            "cwd": "/",
            "capabilities": {
              "bounding": ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"],
              "effective": ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"],
              "permitted": ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"],
              "ambient": ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"]
            },
            "rlimits": [{"type": "RLIMIT_NOFILE", "hard": 1024, "soft": 1024}],
            "noNewPrivileges": true
          },
          "root": {"path": "rootfs", "readonly": true},
          "hostname": "runc",
          "mounts": [
            {"destination": "/proc", "type": "proc", "source": "proc"},
            {
              "destination": "/dev",
              "type": "tmpfs",
              "source": "tmpfs",
              "options": ["nosuid", "strictatime", "mode=755", "size=65536k"]
            },
            {
              "destination": "/dev/pts",
              "type": "devpts",
              "source": "devpts",
              "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]
            },
            {
              "destination": "/dev/shm",
              "type": "tmpfs",
              "source": "shm",
              "options": ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"]
            },
            {"destination": "/dev/mqueue", "type": "mqueue", "source": "mqueue", "options": ["nosuid", "noexec", "nodev"]},
            {"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["nosuid", "noexec", "nodev", "ro"]},
            {
              "destination": "/sys/fs/cgroup",
              "type": "cgroup",
              "source": "cgroup",
              "options": ["nosuid", "noexec", "nodev", "relatime", "ro"]
            }
          ],
          "linux": {
            "resources": {"devices": [{"allow": false, "access": "rwm"}]},
            "namespaces": [{"type": "pid"}, {"type": "network"}, {"type": "ipc"}, {"type": "uts"}, {"type": "mount"}],
            "maskedPaths": [
              "/proc/acpi",
              "/proc/asound",
              "/proc/kcore",
              "/proc/keys",
              "/proc/latency_stats",
              "/proc/timer_list",
              "/proc/timer_stats",
              "/proc/sched_debug",
              "/sys/firmware",
              "/proc/scsi"
            ],
            "readonlyPaths": ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]
          }
        }
        """#

    /// Every member that the runtime-spec 1.2 has for Linux, with the largest numbers that some of them take.
    static let complete = #"""
        {
          "ociVersion": "1.2.0",
          "process": {
            "terminal": true,
            "consoleSize": {"height": 24, "width": 80},
            "user": {"uid": 1000, "gid": 4294967294, "umask": 18, "additionalGids": [5, 6]},
            "args": ["sh", "-c", "true"],
            "env": ["A=b"],
            "cwd": "/",
            "capabilities": {"bounding": ["CAP_CHOWN"], "effective": [], "permitted": ["CAP_CHOWN"], "inheritable": [], "ambient": []},
            "rlimits": [{"type": "RLIMIT_NOFILE", "hard": 18446744073709551615, "soft": 1024}],
            "noNewPrivileges": true,
            "apparmorProfile": "p",
            "oomScoreAdj": -1000,
            "selinuxLabel": "l",
            "ioPriority": {"class": "IOPRIO_CLASS_BE", "priority": 4},
            "scheduler": {
              "policy": "SCHED_DEADLINE",
              "nice": -20,
              "priority": 99,
              "flags": ["SCHED_FLAG_RESET_ON_FORK"],
              "runtime": 1,
              "deadline": 2,
              "period": 3
            },
            "execCPUAffinity": {"initial": "0-1", "final": "2"}
          },
          "root": {"path": "rootfs", "readonly": true},
          "hostname": "h",
          "domainname": "d",
          "mounts": [
            {
              "destination": "/m",
              "type": "bind",
              "source": "/s",
              "options": ["rbind", "ro"],
              "uidMappings": [{"containerID": 0, "hostID": 100000, "size": 65536}],
              "gidMappings": [{"containerID": 0, "hostID": 100000, "size": 65536}]
            }
          ],
          "hooks": {
            "prestart": [{"path": "/h", "args": ["h"], "env": ["X=y"], "timeout": 5}],
            "createRuntime": [{"path": "/h", "args": ["h"], "env": ["X=y"], "timeout": 5}],
            "createContainer": [{"path": "/h", "args": ["h"], "env": ["X=y"], "timeout": 5}],
            "startContainer": [{"path": "/h", "args": ["h"], "env": ["X=y"], "timeout": 5}],
            "poststart": [{"path": "/h", "args": ["h"], "env": ["X=y"], "timeout": 5}],
            "poststop": [{"path": "/h", "args": ["h"], "env": ["X=y"], "timeout": 5}]
          },
          "annotations": {"org.example": "x", "a": ""},
          "linux": {
            "uidMappings": [{"containerID": 0, "hostID": 1, "size": 4294967295}],
            "gidMappings": [{"containerID": 0, "hostID": 1, "size": 2}],
            "timeOffsets": {"monotonic": {"secs": -5, "nanosecs": 999999999}},
            "sysctl": {"net.ipv4.ip_forward": "1"},
            "resources": {
              "devices": [{"allow": false, "access": "rwm"}, {"allow": true, "type": "c", "major": 1, "minor": -1, "access": "r"}],
              "memory": {
                "limit": -1,
                "reservation": 1,
                "swap": 9223372036854775807,
                "kernel": -1,
                "kernelTCP": -1,
                "swappiness": 60,
                "disableOOMKiller": false,
                "useHierarchy": true,
                "checkBeforeUpdate": true
              },
              "cpu": {
                "shares": 1024,
                "quota": -1,
                "burst": 1,
                "period": 100000,
                "realtimeRuntime": 950000,
                "realtimePeriod": 1000000,
                "cpus": "0-3",
                "mems": "0",
                "idle": 1
              },
              "pids": {"limit": -1},
              "blockIO": {
                "weight": 1000,
                "leafWeight": 10,
                "weightDevice": [{"major": 8, "minor": 0, "weight": 500, "leafWeight": 300}],
                "throttleReadBpsDevice": [{"major": 8, "minor": 0, "rate": 600}],
                "throttleWriteBpsDevice": [],
                "throttleReadIOPSDevice": [{"major": 8, "minor": 16, "rate": 1}],
                "throttleWriteIOPSDevice": [{"major": 8, "minor": 16, "rate": 18446744073709551615}]
              },
              "hugepageLimits": [{"pageSize": "2MB", "limit": 9223372036854772000}],
              "network": {"classID": 1048577, "priorities": [{"name": "eth0", "priority": 500}]},
              "rdma": {"mlx5_1": {"hcaHandles": 3, "hcaObjects": 10000}},
              "unified": {"io.max": "259:0 rbps=2097152"}
            },
            "cgroupsPath": "/myRuntime/x",
            "namespaces": [{"type": "pid"}, {"type": "network", "path": "/proc/1/ns/net"}],
            "devices": [
              {"path": "/dev/fuse", "type": "c", "major": 10, "minor": 229, "fileMode": 438, "uid": 0, "gid": 0},
              {"path": "/dev/p", "type": "p"}
            ],
            "seccomp": {
              "defaultAction": "SCMP_ACT_ERRNO",
              "defaultErrnoRet": 38,
              "architectures": ["SCMP_ARCH_X86_64"],
              "flags": ["SECCOMP_FILTER_FLAG_LOG"],
              "listenerPath": "/l",
              "listenerMetadata": "m",
              "syscalls": [
                {
                  "names": ["personality"],
                  "action": "SCMP_ACT_ALLOW",
                  "errnoRet": 1,
                  "args": [{"index": 0, "value": 18446744073709551615, "valueTwo": 1, "op": "SCMP_CMP_MASKED_EQ"}]
                }
              ]
            },
            "rootfsPropagation": "rslave",
            "maskedPaths": ["/proc/kcore"],
            "readonlyPaths": ["/proc/sys"],
            "mountLabel": "l",
            "intelRdt": {"closID": "g", "l3CacheSchema": "L3:0=7f0"},
            "personality": {"domain": "LINUX32", "flags": []},
            "netDevices": {"eth0": {"name": "c0"}},
            "memoryPolicy": {"mode": "MPOL_BIND"}
          }
        }
        """#
}
