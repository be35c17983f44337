// SPDX-License-Identifier: Apache-2.0

internal import Engine
internal import Glibc
internal import Hummingbird
internal import Linux
internal import NIOCore
internal import NIOPosix
internal import SystemPackage

/// The archive of a load, on its way to the disk. Writing blocks, so it is done on NIO's threads for that.
final class SpoolFile: Sendable {
    let path: String
    private let file: OwnedFD
    private let reserve: Int64
    private static let pieceBytes = 1 << 20

    /// - Parameter reserve: bytes that stay free on the filesystem.
    init(path: String, reserve: Int64) async throws(EngineError) {
        self.path = path
        self.reserve = reserve
        let raw = try await Self.blocking { () throws(KernelError) in
            try openFile(FilePath(path), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, mode: 0o600).release()
        }
        file = OwnedFD(owning: raw)
    }

    /// Writes the body to the file, piece by piece: what waits in memory is at most two of them.
    /// - Throws: `no-space` before the reserve is touched; a body that did not arrive whole is `invalid-request`.
    func fill(from request: Request, _ context: APIContext) async throws {
        let announced = request.headers[.contentLength].flatMap(Int64.init)
        if let announced { try await requireSpace(for: announced) }
        var piece = ByteBuffer()
        var total: Int64 = 0
        defer { context.connection.expect(within: nil) }
        do {
            context.connection.expect(within: Limits.arrival)
            for try await part in request.body {
                context.connection.expect(within: Limits.arrival)
                total += Int64(part.readableBytes)
                piece.writeImmutableBuffer(part)
                guard piece.readableBytes >= Self.pieceBytes else { continue }
                context.connection.expect(within: nil)
                try await write(piece)
                piece.clear()
                context.connection.expect(within: Limits.arrival)
            }
        } catch let error as EngineError {
            throw error
        } catch {
            throw APIProblem.invalidRequest("the archive did not arrive whole: \(total) bytes came")
        }
        context.connection.expect(within: nil)
        if let announced, announced != total {
            throw APIProblem.invalidRequest("the archive did not arrive whole: \(total) bytes came of \(announced)")
        }
        context.connection.hasUnreadBody = false
        try await write(piece)
    }

    func remove() async {
        let path = path
        try? await Self.blocking { () throws(KernelError) in try unlinkFile(FilePath(path)) }
    }

    private func write(_ piece: ByteBuffer) async throws(EngineError) {
        if piece.readableBytes == 0 { return }
        try await requireSpace(for: Int64(piece.readableBytes))
        try await Self.blocking { [self] () throws(KernelError) in
            try Array(piece.readableBytesView).span.withUnsafeBytes { bytes throws(KernelError) in
                try writeAll(file, bytes, object: path)
            }
        }
    }

    private func requireSpace(for bytes: Int64) async throws(EngineError) {
        let path = path
        let free = try await Self.blocking { () throws(KernelError) in try filesystemStatistics(FilePath(path)).freeBytes }
        let (needed, overflow) = bytes.addingReportingOverflow(reserve)
        guard !overflow, UInt64(clamping: needed) <= free else {
            throw EngineError(
                .noSpace, "the archive needs \(bytes) bytes under \"\(path)\": \(free) are free and \(reserve) stay in reserve",
                remedy: "free space there, or lower `reserve-bytes`")
        }
    }

    private static func blocking<Value: Sendable>(
        _ body: @escaping @Sendable () throws(KernelError) -> Value
    ) async throws(EngineError) -> Value {
        do {
            return try await NIOThreadPool.singleton.runIfActive { try body() }
        } catch {
            let isFull = (error as? KernelError)?.isOutOfSpace == true
            throw EngineError(isFull ? .noSpace : .internal, "spool the archive: \(error)")
        }
    }
}
