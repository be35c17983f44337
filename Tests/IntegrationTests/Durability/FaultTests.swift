// SPDX-License-Identifier: Apache-2.0

import Foundation
import Metadata
import SystemPackage
import TestSupport
import Testing

/// The kernel refuses in the middle of a pull: the image is absent, the reason is told, the daemon lives, and nothing is left.
@Suite(.asRoot, .busybox) struct FaultTests {
    struct Fault: CustomStringConvertible, Sendable {
        var call: String
        var error: String
        /// What the user reads.
        var says: String
        /// What is left is the next start's: the fault keeps the daemon from tidying up, too.
        var needsRestart = false
        var description: String { "\(call) says \(error)" }
    }

    private static let (io, quota, space) = ("Input/output error", "quota exceeded", "No space left on device")

    static let faults = [
        // While extracting: a link, a whiteout, a hard link, a directory, an opaque mark.
        Fault(call: "symlinkat", error: "EDQUOT", says: quota), Fault(call: "mknodat", error: "EDQUOT", says: quota),
        Fault(call: "linkat", error: "ENOSPC", says: space), Fault(call: "mkdirat", error: "EIO", says: io),
        Fault(call: "lsetxattr,fsetxattr", error: "EDQUOT", says: quota), Fault(call: "utimensat", error: "EIO", says: io),
        // At the commit: blobs, layers, directories, the database.
        Fault(call: "syncfs", error: "EIO", says: io), Fault(call: "fsync", error: "EIO", says: io),
        Fault(call: "rename", error: "EIO", says: io, needsRestart: true), Fault(call: "mkdir", error: "EDQUOT", says: quota),
        Fault(call: "fdatasync", error: "EIO", says: "disk I/O error", needsRestart: true),
        Fault(call: "pwrite64", error: "ENOSPC", says: space),
    ]

    @Test("a call of a pull fails: rolled back whole, said, and the next pull works", .strace, arguments: faults)
    func fault(_ fault: Fault) throws {
        let grounds = try CrashGrounds.made()
        let root = "/var/tmp/ctr-swift-root-\(UInt64.random(in: 0 ... .max))"
        defer { try? FileManager.default.removeItem(atPath: root) }
        try grounds.copy(.old, to: root)
        let node = try Node(configuration: CrashGrounds.configuration, root: root)
        let tracer = try Tracer(of: node.daemon.pid, failing: fault.call, with: fault.error)
        let outcome = try node.ctr("pull", grounds.reference(.new))
        try tracer.end()
        #expect(outcome.code == 1)
        #expect(outcome.errors.contains(fault.says), "\(outcome.errors)")
        if fault.says != Self.io && fault.call != "fdatasync" {
            #expect(outcome.errors.contains("free space"), "the remedy: \(outcome.errors)")
        }
        #expect(node.daemon.isRunning)
        if fault.needsRestart {
            try node.killDaemon()
            try node.start()
        }
        try node.settle()
        #expect(try Census.take(root, layers: grounds.layers, "after the failure") == [CrashImage.old.id])
        try node.good("pull", grounds.reference(.new))
        try node.expectWhole()
        try node.settle()
        try Census.take(root, layers: grounds.layers, "after the next pull")
        try node.leave()
    }

    @Test("the filesystem ends in the middle of an extraction: the pull says so, the daemon lives, and after a mount all is well")
    func endOfFilesystem() throws {
        let grounds = try CrashGrounds.made()
        let scenario = try #require(Scenario.all.first { $0.step == .entryExtracted && $0.work == .pull })
        try LoopFilesystem.with(megabytes: 96) { disk in
            let crash = try Crash(scenario, grounds, action: "stop", root: disk.root.string)
            defer { crash.node.daemon.signal(SIGKILL) }
            let client = try crash.begin()
            try crash.waitUntilStopped()
            try disk.cutPower()
            crash.node.daemon.signal(SIGCONT)
            let outcome = try client?.finish()
            #expect(outcome?.code == 1 && outcome?.errors.contains("Input/output error") == true, "\(String(describing: outcome))")
            #expect(try crash.node.ctr("version").code == 0)
            try crash.node.stopDaemon()
            try disk.remount()
            try crash.node.start()
            try crash.judge(acknowledged: false)
            try crash.node.leave()
        }
    }

    /// The device runs out of backing when the pages are written back, long after write(2) has said yes.
    @Test("what can't be written back is told by the sync, and the image is not recorded")
    func writeBack() throws {
        let grounds = try CrashGrounds.made()
        try LoopFilesystem.with(.tmpfs, megabytes: 48) { memory in
            // Metadata and journal have their pages; data has not.
            let options = "-E nodiscard,lazy_itable_init=0,lazy_journal_init=0"
            try LoopFilesystem.with(.ext4, megabytes: 256, options: options, in: memory.mountPoint) { disk in
                let node = try Node(configuration: CrashGrounds.configuration, root: disk.root.string)
                defer { node.daemon.signal(SIGKILL) }
                try node.good("pull", grounds.reference(.old))
                try CrashGrounds.good("sync", "-f", disk.mountPoint.string)
                let filler = memory.mountPoint.string + "/filler"
                try command(["/bin/sh", "-c", "dd if=/dev/zero bs=64k > \(filler) 2>/dev/null"])
                let outcome = try node.ctr("pull", grounds.reference("large"))
                #expect(outcome.code == 1 && outcome.errors.contains("sync"), "\(outcome)")
                #expect(try node.ctr("version").code == 0)
                try node.stopDaemon()
                try FileManager.default.removeItem(atPath: filler)
                try disk.remount()
                try node.start()
                try node.settle()
                #expect(try Census.take(node.root, layers: grounds.layers, "after the failure") == [CrashImage.old.id])
                try node.expectWhole()
                try node.good("run", "--rm", grounds.reference("large"), "/bin/busybox", "true")
                for image in ["large", "old"] { try node.good("rmi", grounds.reference(image)) }
                try node.leave()
            }
        }
    }
}

extension Trait where Self == ConditionTrait {
    static var strace: Self { .enabled("needs strace: run `make setup`") { access("/usr/bin/strace", X_OK) == 0 } }
}
