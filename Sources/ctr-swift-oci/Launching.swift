// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Glibc
import JSON
import Linux
import OCI
import Runtime
import SystemPackage

/// What `create` and `run` have in common.
struct BundleOptions: ParsableArguments {
    @Option(name: [.short, .long], help: "The directory of config.json.")
    var bundle = "."

    @Option(help: "A file that the first process's number is written to.")
    var pidFile: String?

    @Option(help: "A Unix socket that the terminal's main end is sent to.")
    var consoleSocket: String?

    @Option(help: "A JSON file with an overlay (store, lowerdirs, upper, work, volatile) to mount as the root, instead of root.path.")
    var overlay: String?

    @Flag(help: "With a user namespace: id-map the root, whose files belong to ids as the container sees them.")
    var idMappedRoot = false

    @Option(help: "A compiled seccomp filter, instead of compiling the spec's.")
    var seccompProgram: String?

    @Option(help: "A file that the length of each step of the start is written to, as JSON.")
    var timings: String?

    @Option(help: "How many of the caller's descriptors from 3 on the program gets.")
    var preserveFds = 0

    @Flag(help: "Refused: the root is always changed by pivot_root(2), which can't be undone from inside.")
    var noPivot = false

    @Flag(help: "Accepted for compatibility; keyrings are always separate.")
    var noNewKeyring = false

    @Argument(help: "The container's id.")
    var id: String
}

/// A container from its bundle to the gate or the running program, recorded.
struct Launching {
    let directory: StateDirectory
    let spec: RuntimeSpec
    let bundle: FilePath
    private let options: BundleOptions
    private let global: GlobalOptions

    init(_ global: GlobalOptions, _ options: BundleOptions) throws {
        guard !global.systemdCgroup else {
            throw CommandError(
                "--systemd-cgroup: cgroups made by systemd are not there yet: use cgroupfs "
                    + "(podman: --cgroup-manager cgroupfs; containerd: SystemdCgroup = false)")
        }
        guard !options.noPivot else {
            throw CommandError("--no-pivot: without pivot_root(2) a container could get back to the host's root: mount the root elsewhere")
        }
        try Self.checkPreserved(options.preserveFds)
        bundle = try Self.absolute(options.bundle)
        spec = try JSON.decode(RuntimeSpec.self, from: readFile(bundle.appending("config.json"), limit: 16 << 20))
        directory = try StateDirectory(root: global.root, id: options.id)
        self.options = options
        self.global = global
    }

    /// What a command goes on with.
    struct Launched {
        var pid: Int32
        var cgroup: CgroupHandle
        /// The terminal's main end, where it is this command's own; open until the command ends.
        var terminal: CInt?
    }

    /// Makes the container, as a child of this process, and records it.
    /// - Parameters:
    ///   - gated: the program waits for `start`.
    ///   - ownTerminal: this command serves the terminal itself.
    func launch(gated: Bool, ownTerminal: Bool = false) throws -> Launched {
        let stdio = try streams(ownTerminal)
        let plan = try plan(stdio)
        let cgroup = try plan.intendedCgroup()
        try directory.make()
        do {
            var unfinished = unfinishedRecord(cgroup)
            if case .overlay = plan.rootfs {
                // The bundle's own root may be another one's mount as yet; this directory is nobody else's.
                unfinished.hostMount = plan.hostMount?.string
                try makeDirectory(directory.rootfs, mode: 0o700)
            }
            try directory.write(unfinished)
            if let filter = ContainerTraits(of: plan, spec).seccomp { try replaceFile(directory.filter, with: filter.stored) }
            var running = try gated ? launchGated(plan) : Runtime.launch(plan)
            let record = record(running, plan.hostMount?.string)
            do {
                return try handOver(&running, record)
            } catch {
                abandon(running, record)
                throw error
            }
        } catch {
            try? directory.remove()
            runPoststopHooks(after: error, global)
            throw error
        }
    }

    /// Tells everybody who is to know of the container.
    private func handOver(_ running: inout RunningInit, _ record: ContainerRecord) throws -> Launched {
        try directory.write(record)
        if let file = options.pidFile { try replaceFile(FilePath(file), with: Array("\(running.pid)".utf8), mode: 0o644) }
        if let file = options.timings { try replaceFile(FilePath(file), with: JSON.encode(running.timings), mode: 0o644) }
        var launched = Launched(pid: running.pid, cgroup: running.cgroup)
        if let socket = options.consoleSocket {
            try running.sendTerminal(toSocket: socket)
        } else {
            launched.terminal = running.takeTerminal()?.release()
        }
        return launched
    }

    /// Ends a container that its engine will never hear of.
    private func abandon(_ running: borrowing RunningInit, _ record: ContainerRecord) {
        do {
            _ = try sendSignal(SIGKILL, to: running.pidfd)
            _ = try Foreground.exitCode(of: running.pid, waiting: true)
            try record.removeGroupAndMount()
            try record.runHooks(.poststop, status: .stopped, global)
        } catch {
            warn("what is left of container \"\(record.id)\": \(error)", global)
        }
    }

    private func plan(_ stdio: StandardStreams) throws -> InitPlan {
        let program = try options.seccompProgram.map { try SeccompProgram(instructions: readFile(FilePath($0))) }
        var rootfs: RootfsSource?
        if let file = options.overlay {
            let overlay = try JSON.decode(OverlayFile.self, from: readFile(FilePath(file)))
            rootfs = .overlay(try overlay.mount(), at: directory.rootfs)
        } else if options.idMappedRoot, let root = spec.root {
            rootfs = .directory(bundle.pushing(FilePath(root.path)), idMapped: true)
        }
        var plan = try InitPlan(
            spec: spec, bundle: bundle, rootfs: rootfs, stdio: stdio, seccomp: program, cgroupPath: "ctr-swift-oci/\(directory.id)",
            id: directory.id)
        plan.preservedDescriptors = CInt(options.preserveFds)
        return plan
    }

    /// The gate is a FIFO that the child holds open for reading and writing: `start` finds it by name, and an end is never seen.
    private func launchGated(_ plan: InitPlan) throws -> RunningInit {
        let path = directory.gate
        _ = try withCPath(path) { raw throws(KernelError) in try kernel("mkfifo(3)", path.string) { mkfifo(raw, 0o600) } }
        let gate = try openFile(path, O_RDWR)
        let failures = try openFile(directory.failure, O_RDWR | O_CREAT | O_EXCL, mode: 0o600)
        return try Runtime.launch(plan, gate: gate.raw, failures: failures.raw)
    }

    /// A terminal where the spec wants one, else the caller's own streams.
    private func streams(_ ownTerminal: Bool) throws -> StandardStreams {
        guard spec.process?.terminal == true else { return .descriptors(stdin: 0, stdout: 1, stderr: 2) }
        if ownTerminal {
            let size = Foreground.terminalSize()
            return .terminal(rows: size.rows, columns: size.columns)
        }
        guard options.consoleSocket != nil else { throw CommandError("process.terminal needs --console-socket") }
        let size = spec.process?.consoleSize
        return .terminal(rows: UInt16(clamping: size?.height ?? 0), columns: UInt16(clamping: size?.width ?? 0))
    }

    /// Hooks and mounts take their time, and an engine may lose patience meanwhile: then this tells what there is to remove.
    private func unfinishedRecord(_ cgroup: CgroupHandle) -> ContainerRecord {
        ContainerRecord(
            ociVersion: spec.ociVersion, id: directory.id, pid: 0, startTicks: 0, bundle: bundle.string, annotations: spec.annotations,
            created: Timestamp.now(), cgroup: cgroup, hooks: spec.hooks)
    }

    private func record(_ running: borrowing RunningInit, _ hostMount: String?) -> ContainerRecord {
        var record = unfinishedRecord(running.cgroup)
        record.pid = running.pid
        record.startTicks = running.startTicks
        record.hostMount = hostMount
        return record
    }

    /// One that is not open would be whatever this program opens next.
    private static func checkPreserved(_ count: Int) throws(CommandError) {
        guard (0...1024).contains(count) else { throw CommandError("--preserve-fds \(count): use 0 to 1024") }
        for descriptor in 3..<CInt(3 + count) where fcntl(descriptor, F_GETFD) == -1 {
            throw CommandError("--preserve-fds \(count): descriptor \(descriptor) is not open")
        }
    }

    private static func absolute(_ path: String) throws(KernelError) -> FilePath {
        let path = FilePath(path)
        if path.isAbsolute { return path.lexicallyNormalized() }
        var buffer = [CChar](repeating: 0, count: 4096)
        guard getcwd(&buffer, buffer.count) != nil else { throw KernelError(call: "getcwd(3)", object: ".", errno: lastErrno()) }
        return FilePath(platformString: buffer).pushing(path).lexicallyNormalized()
    }
}
