// SPDX-License-Identifier: Apache-2.0

internal import Compression
internal import Glibc
internal import Layers
internal import Linux
internal import OCI
internal import Synchronization
internal import SystemPackage
internal import Tar

/// An archive on disk, by the names of its files. Names are only looked up here; nothing is extracted by them.
final class ImageArchive: Sendable {
    struct Member: Sendable, Hashable {
        var offset: UInt64
        var size: UInt64
    }

    /// Of the file, to tell it from others.
    let name: String
    private let file: OwnedFD
    private let members: [String: Member]
    /// Links of old `docker save` archives: a layer that several images share is there once.
    private let links: [String: String]

    private static let mostMembers = 100_000

    /// - Throws: `ImageError.archive` for what is no tar. Compressed ones are to be unpacked first: `unpacked(_:)`.
    init(_ path: FilePath) throws(ImageError) {
        var members: [String: Member] = [:]
        var links: [String: String] = [:]
        do {
            file = try openFile(path, O_RDONLY | O_NOFOLLOW)
            var reader = TarReader(FileSource(file: try file.duplicate()))
            while let entry = try reader.next() {
                guard members.count + links.count < Self.mostMembers else {
                    throw ImageError.archive("the archive has more than \(Self.mostMembers) members")
                }
                let name = Self.normal(String(decoding: entry.path, as: UTF8.self))
                switch entry.kind {
                case .file where entry.sparse == nil: members[name] = Member(offset: reader.position, size: entry.size)
                case .symlink: links[name] = Self.join(name, String(decoding: entry.linkTarget, as: UTF8.self))
                case .hardLink: links[name] = Self.normal(String(decoding: entry.linkTarget, as: UTF8.self))
                default: break
                }
            }
        } catch let error as ImageError {
            throw error
        } catch {
            throw .archive("the archive can't be read: \(error)")
        }
        name = path.string
        self.members = members
        self.links = links
    }

    /// nil where the archive has no such file.
    func member(_ name: String) -> Member? {
        let name = Self.normal(name)
        if let member = members[name] { return member }
        return links[name].flatMap { members[$0] }
    }

    func read(_ name: String, limit: Int) throws(ImageError) -> [UInt8] {
        guard let member = member(name) else { throw .archive("the archive has no \"\(printable(name))\"") }
        guard member.size <= UInt64(limit) else { throw .archive("\"\(printable(name))\" has \(member.size) bytes; \(limit) are allowed") }
        var bytes = [UInt8](repeating: 0, count: Int(member.size))
        var done = 0
        do throws(LayerError) {
            let source = try FileRange(file, member)
            while done < bytes.count {
                var span = bytes.mutableSpan
                let count = try span.withUnsafeMutableBytes { buffer throws(LayerError) in
                    try source.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[done...]))
                }
                if count == 0 { throw .source("the archive ends in \"\(printable(name))\"") }
                done += count
            }
        } catch {
            throw .archive("\(error)")
        }
        return bytes
    }

    func source(_ member: Member) throws(LayerError) -> FileRange { try FileRange(file, member) }

    private static func normal(_ name: String) -> String {
        FilePath(name).lexicallyNormalized().components.filter { $0.kind == .regular }.map(\.string).joined(separator: "/")
    }

    private static func join(_ name: String, _ target: String) -> String {
        normal((FilePath(name).removingLastComponent().appending(target)).string)
    }

    /// The file's bytes for the tar reader, from its start.
    private struct FileSource: TarSource, ~Copyable {
        let file: OwnedFD
        var offset: Int64 = 0

        init(file: consuming OwnedFD) { self.file = file }

        mutating func read(into buffer: UnsafeMutableRawBufferPointer) throws(TarError) -> Int {
            let count = pread(file.raw, buffer.baseAddress, buffer.count, off_t(offset))
            guard count >= 0 else { throw .sourceFailed }
            offset += Int64(count)
            return count
        }
    }
}

/// A part of a file as a layer's source.
final class FileRange: LayerSource {
    private let file: OwnedFD
    private let state: Mutex<(offset: UInt64, left: UInt64)>

    init(_ file: borrowing OwnedFD, _ member: ImageArchive.Member) throws(LayerError) {
        do throws(KernelError) { self.file = try file.duplicate() } catch { throw .source("\(error)") }
        state = Mutex((member.offset, member.size))
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws(LayerError) -> Int {
        let raw = file.raw
        let (offset, left) = state.withLock { $0 }
        let wanted = Int(min(UInt64(buffer.count), left))
        if wanted == 0 { return 0 }
        let count: Int
        do throws(KernelError) { count = try kernel("pread(2)", "archive") { pread(raw, buffer.baseAddress, wanted, off_t(offset)) } } catch
        {
            throw .source("\(error)")
        }
        state.withLock { $0 = (offset + UInt64(count), left - UInt64(count)) }
        return count
    }

    func cancel() { state.withLock { $0.left = 0 } }
}
