// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Layers
internal import Linux
internal import Synchronization
internal import SystemPackage

/// A directory with room for layers, and beside them what must not be touched.
final class Ground {
    private let top: FilePath
    private var seen: [FileStatus] = []
    private static let secret = "nobody's business"

    /// Where `scripts/fuzz` says, which removes what a killed fuzzer leaves behind; else in memory.
    init() throws(BrokenPromise) {
        let base = getenv("CTR_SWIFT_FUZZ_DIRECTORY").map { String(cString: $0) } ?? "/dev/shm"
        var template = Array("\(base)/ctr-fuzz-XXXXXX".utf8CString)
        let made = template.withUnsafeMutableBufferPointer { buffer in buffer.baseAddress.flatMap { mkdtemp($0) } != nil }
        try promise(made, "mkdtemp(3) in \(base): errno \(errno)")
        top = FilePath(platformString: template)
        let top = top
        try works { () throws(KernelError) in
            try Linux.makeDirectory(top.appending("canary"), mode: 0o700)
            try replaceFile(top.appending("canary").appending("file"), with: Array(Self.secret.utf8), mode: 0o400)
        }
        seen = try look()
    }

    /// A new directory for a layer.
    func makeDirectory(_ name: String) throws(BrokenPromise) -> FilePath {
        let path = top.appending(name)
        try works { () throws(KernelError) in try Linux.makeDirectory(path, mode: 0o755) }
        seen = try look()
        return path
    }

    /// What is beside the layers is what it was: names, content, modes, owners, times.
    func expectUntouched() throws(BrokenPromise) {
        let now = try look()
        try promise(now == seen, "something beside the layer was changed:\n\(seen)\n\(now)")
        let top = top
        let content = try works { () throws(KernelError) in try readFile(top.appending("canary").appending("file")) }
        try promise(content == Array(Self.secret.utf8), "a file beside the layer was written to")
    }

    func remove() throws(BrokenPromise) {
        let top = top
        try works { () throws(KernelError) in try removeTree(top) }
    }

    private func look() throws(BrokenPromise) -> [FileStatus] {
        let top = top
        return try works { () throws(KernelError) in
            [
                try openFile(top, O_RDONLY | O_DIRECTORY).status(),
                try openFile(top.appending("canary"), O_RDONLY | O_DIRECTORY).status(),
                try openFile(top.appending("canary").appending("file"), O_RDONLY).status(),
            ]
        }
    }
}

/// What the ground and the checks need of the kernel, it gives.
@discardableResult
func works<Value>(_ body: () throws(KernelError) -> Value) throws(BrokenPromise) -> Value {
    do throws(KernelError) { return try body() } catch { throw BrokenPromise("\(error)") }
}

/// What overlayfs obeys in a layer's directory, against what is recorded of it.
struct Marks {
    private var whiteouts: Set<LayerPath> = []
    private var opaques: Set<LayerPath> = []
    private var directories: Set<LayerPath> = []

    /// Walks a directory, no link followed. - Throws: where a file has an attribute that only overlayfs's own directories may have.
    init(of path: FilePath) throws(BrokenPromise) {
        let top = try works { () throws(KernelError) in Directory(try openFile(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)) }
        var pending = [(LayerPath([]), top)]
        try note(LayerPath([]), top, [0x2E])
        while let (path, directory) = pending.popLast() {
            directories.insert(path)
            for (name, _) in try works({ () throws(KernelError) in try directory.descriptor.entries(of: "\(path)") }) {
                let here = LayerPath(path.components + [name])
                guard let status = try works({ () throws(KernelError) in try directory.descriptor.status(name) }) else { continue }
                if status.isWhiteout { whiteouts.insert(here) }
                try note(here, directory, name)
                guard status.kind == .directory else { continue }
                pending.append(
                    (here, try works { () throws(KernelError) in Directory(try directory.descriptor.open(name, O_RDONLY | O_DIRECTORY)) }))
            }
        }
    }

    /// Nothing is in the directory, at least of those things.
    var isEmpty: Bool { whiteouts.isEmpty && opaques.isEmpty && directories.count == 1 }

    func expect(_ facts: LayerFacts) throws(BrokenPromise) {
        try promise(whiteouts == Set(facts.whiteouts), "whiteouts are \(whiteouts), said to be \(facts.whiteouts)")
        try promise(opaques == Set(facts.opaques), "opaque are \(opaques), said to be \(facts.opaques)")
        try promise(directories.isSuperset(of: facts.implied), "directories are \(directories), implied ones \(facts.implied)")
    }

    private mutating func note(_ path: LayerPath, _ directory: Directory, _ name: EntryName) throws(BrokenPromise) {
        for (key, value) in try works({ () throws(KernelError) in try directory.descriptor.attributes(of: name) }) {
            let key = String(decoding: key, as: UTF8.self)
            if key == "trusted.overlay.opaque", value == [UInt8(ascii: "y")] {
                opaques.insert(path)
            } else {
                try promise(!key.hasPrefix("trusted.overlay.") && !key.hasPrefix("user.overlay."), "\(path) has \(key)")
            }
        }
    }

    private final class Directory {
        let descriptor: OwnedFD
        init(_ descriptor: consuming OwnedFD) { self.descriptor = descriptor }
    }
}

/// A blob in memory.
final class ArchiveSource: LayerSource {
    private let bytes: [UInt8]
    private let position = Mutex(0)

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws(LayerError) -> Int {
        position.withLock { position in
            let count = min(buffer.count, bytes.count - position)
            buffer.copyBytes(from: bytes[position..<(position + count)])
            position += count
            return count
        }
    }

    func cancel() {}
}
