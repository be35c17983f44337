// SPDX-License-Identifier: Apache-2.0

import Glibc
import Linux
import OCI
import Runtime
import SystemPackage
import TestSupport
import Testing

/// What of cgroups a spec can't have here, and what a container can't do to them.
@Suite(.asRoot, .busybox) struct CgroupBorderTests {
    @Test("resources.unified holds where its controller is in v2, on a hybrid machine, too; else it is refused by its name")
    func unified() throws {
        let layout = try CgroupLayout.detect()
        for (file, value) in ["hugetlb.2MB.max": "4194304", "memory.high": "67108864", "cgroup.max.depth": "3"] {
            let bundle = try TestBundle(["/bin/probe", "pause"])
            bundle.spec.linux?.resources?.unified = [file: value]
            let controller = String(file.prefix { $0 != "." })
            if controller == "cgroup" ? layout.unified != nil : layout.unified?.controllers.contains(controller) == true {
                let child = try bundle.start()
                defer {
                    _ = try? bundle.verb("delete", ["--force"])
                    _ = try? child.finish()
                }
                try waitUntil { child.output.hasPrefix("ready") || !child.errors.isEmpty }
                let place = try #require(layout.unified).mountPoint + "/ctr-swift-oci/\(bundle.id)/\(file)"
                #expect(String(decoding: try readFile(FilePath(place)), as: UTF8.self) == value + "\n")
            } else {
                let result = try bundle.run()
                #expect(
                    result.code == 125 && result.errors.contains("\"\(file)\" needs cgroup v2 with the \(controller) controller"),
                    "\(result)")
            }
        }
    }

    @Test("X-23: with CAP_SYS_ADMIN the default filter still lets nobody mount a hierarchy, nor write to one that is there")
    func releaseAgent() throws {
        let script = """
            for f in /sys/fs/cgroup/release_agent /sys/fs/cgroup/*/release_agent /sys/fs/cgroup/*/notify_on_release /sys/fs/cgroup/*/devices.allow; do
                [ -e $f ] && (echo 1 > $f) 2>/dev/null && echo "wrote $f"
            done
            mount -t cgroup -o memory none /tmp 2>/dev/null && echo mounted
            mount -t cgroup2 none /tmp 2>/dev/null && echo mounted
            mount -o remount,rw /sys/fs/cgroup 2>/dev/null && echo remounted
            grep CapEff /proc/self/status
            """
        let bundle = try TestBundle(shell: script)
        let capabilities = DefaultSpec.capabilities + ["CAP_SYS_ADMIN"]
        bundle.spec.process?.capabilities = .init(bounding: capabilities, effective: capabilities, permitted: capabilities)
        bundle.spec.linux?.seccomp = DefaultSpec.make().linux?.seccomp
        let result = try bundle.run()
        let held = try #require(result.lines.first?.split(separator: "\t").last.flatMap { UInt64($0, radix: 16) }, "\(result)")
        #expect(result.lines.count == 1 && held & 1 << 21 != 0, "\(result)")
    }
}
