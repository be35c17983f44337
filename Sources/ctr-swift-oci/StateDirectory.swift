// SPDX-License-Identifier: Apache-2.0

import Glibc
import JSON
import Linux
import OCI
import Runtime
import SystemPackage

/// What is kept of a container between two calls of the command: `<root>/<id>/state.json`, and the gate.
struct ContainerRecord: Codable {
    var ociVersion: String
    var id: String
    /// 0 while the container is being made: then this is for who removes what a `create` that was ended meanwhile has left.
    var pid: Int32
    /// With the pid it names one process for good.
    var startTicks: UInt64
    var bundle: String
    var annotations: [String: String]?
    var created: String
    var cgroup: CgroupHandle
    /// Those of `start` and `delete`; config.json may have changed by then.
    var hooks: RuntimeSpec.Hooks?
    /// Mounted in the host's own mount namespace, where the spec wants no other.
    var hostMount: String?

    /// What a container leaves behind on the machine, with all processes that are still there.
    func removeGroupAndMount() throws(KernelError) {
        try cgroup.killAll()
        try cgroup.delete()
        try unmountRoot()
    }

    private func unmountRoot() throws(KernelError) {
        guard let hostMount else { return }
        do throws(KernelError) {
            try Linux.unmount(FilePath(hostMount), lazily: true)
        } catch  where error.errno == .invalidArgument || error.errno == .noSuchFileOrDirectory {
            // Not mounted (any more): a delete that was cut off has done this already.
        }
    }
}

/// The record as the runtime-spec shows it. Source: runtime.md, "State".
struct ContainerState: Codable {
    var ociVersion: String
    var id: String
    var status: String
    var pid: Int32?
    var bundle: String
    var annotations: [String: String]?
    var created: String
}

struct StateDirectory {
    let path: FilePath
    let id: String

    init(root: String, id: String) throws(CommandError) {
        let sound = id.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
            case UInt8(ascii: "_"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."): true
            default: false
            }
        }
        guard sound, !id.isEmpty, id.utf8.count <= 255, id != ".", id != ".." else { throw CommandError("\"\(id)\" is no container id") }
        path = FilePath(root).appending(id)
        self.id = id
    }

    var gate: FilePath { path.appending("exec.fifo") }
    /// The compiled filter, for `exec`.
    var filter: FilePath { path.appending("seccomp.bpf") }
    /// Why the program could not be started, where that was found out after the gate.
    var failure: FilePath { path.appending("failure") }
    /// Where an overlay is mounted, inside the container's mount namespace only.
    var rootfs: FilePath { path.appending("rootfs") }
    private var recordFile: FilePath { path.appending("state.json") }

    /// Claims the id.
    func make() throws {
        var prefix = path.removingLastComponent()
        var missing: [FilePath] = []
        while !prefix.isEmpty, !exists(prefix) {
            missing.append(prefix)
            prefix.removeLastComponent()
        }
        for directory in missing.reversed() { try makeDirectory(directory, mode: 0o711) }
        guard try makeDirectory(path, mode: 0o700) else { throw CommandError("container \"\(id)\" exists already") }
    }

    private func exists(_ path: FilePath) -> Bool {
        var status = stat()
        return withCPath(path) { stat($0, &status) } == 0
    }

    func write(_ record: ContainerRecord) throws { try replaceFile(recordFile, with: JSON.encode(record)) }

    func read() throws -> ContainerRecord {
        guard let record = try readUnfinished() else { throw CommandError("container \"\(id)\" does not exist") }
        guard record.pid != 0 else {
            throw CommandError("container \"\(id)\" is not made yet; if its `create` was ended, `delete --force` removes what is left")
        }
        return record
    }

    /// Also of a container that is being made; nil where there is none.
    func readUnfinished() throws -> ContainerRecord? {
        try recordBytes().map { try JSON.decode(ContainerRecord.self, from: $0) }
    }

    private func recordBytes() throws(KernelError) -> [UInt8]? {
        do throws(KernelError) {
            return try readFile(recordFile)
        } catch  where error.errno == .noSuchFileOrDirectory {
            return nil
        }
    }

    private func removeDirectory(_ path: FilePath) throws(KernelError) {
        do throws(KernelError) {
            _ = try withCPath(path) { raw throws(KernelError) in try kernel("rmdir(2)", path.string) { rmdir(raw) } }
        } catch  where error.errno == .noSuchFileOrDirectory {}
    }

    func remove() throws {
        for file in [gate, filter, failure, recordFile] {
            try unlinkFile(file)
            // Of a writer that was ended before its rename.
            try unlinkFile(FilePath(file.string + ".new"))
        }
        for directory in [rootfs, path] { try removeDirectory(directory) }
    }
}

/// Why the command could not do what it was asked.
struct CommandError: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
