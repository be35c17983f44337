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
    private let runtime: NodeRuntime
    private static let pieceBytes = 1 << 20

    init(_ runtime: NodeRuntime) async throws(EngineError) {
        let path = try await runtime.newSpoolFile()
        self.path = path
        self.runtime = runtime
        let raw = try await Self.blocking { () throws(KernelError) in
            try openFile(FilePath(path), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, mode: 0o600).release()
        }
        file = OwnedFD(owning: raw)
    }

    /// Writes the body to the file, piece by piece: what waits in memory is at most two of them.
    /// - Throws: `no-space` before the reserve is touched; a body that did not arrive whole is `invalid-request`.
    func fill(from request: Request, _ context: APIContext) async throws {
        let announced = request.headers[.contentLength].flatMap(Int64.init)
        if let announced { try await runtime.requireSpace(spooled: announced) }
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
        try await runtime.requireSpace(spooled: Int64(piece.readableBytes))
        try await Self.blocking { [self] () throws(KernelError) in
            try Array(piece.readableBytesView).span.withUnsafeBytes { bytes throws(KernelError) in
                try writeAll(file, bytes, object: path)
            }
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
