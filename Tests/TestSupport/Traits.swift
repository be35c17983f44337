// SPDX-License-Identifier: Apache-2.0

internal import Glibc
package import Testing

extension Trait where Self == ConditionTrait {
    /// Mounts, namespaces and containers are made by root.
    package static var asRoot: Self { .enabled("needs root: run `make test` as root") { geteuid() == 0 } }

    /// The root filesystem of the tests' containers is made of this one package.
    package static var busybox: Self { .enabled("needs busybox-static: run `make setup`") { access("/bin/busybox", X_OK) == 0 } }

    /// Found out by mounting a filesystem with it, once a run.
    package static var projectQuota: Self {
        .enabled("needs a kernel with project quota: `make test-vm` has one") { ProjectQuotaProbe.works }
    }

    /// What makes one: root's own group of cgroup v1.
    package static var slowDisk: Self {
        .enabled("needs cgroup v1's blkio controller") { access(LoopFilesystem.writeThrottle, W_OK) == 0 }
    }

    package static var python: Self { .enabled("needs python3: run `make setup`") { access("/usr/bin/python3", X_OK) == 0 } }
}

private enum ProjectQuotaProbe {
    static let works =
        (try? LoopFilesystem.with(megabytes: 16, options: "-O quota,project", mountOptions: "prjquota") { _ in true }) ?? false
}
