// SPDX-License-Identifier: Apache-2.0

internal import Engine
internal import HTTPTypes
internal import Hummingbird
internal import NIOCore
internal import ServiceLifecycle

/// A container's files: archives stream in both directions, and nothing of them is kept here. What waits for a container's own filesystem does so no
/// longer than its client.
func containerFileEndpoints(_ service: Backend) -> [Endpoint] {
    let runtime = service.runtime
    return [
        Endpoint(.get, "v1/containers/:id/files") { request, context in
            try request.refuseBody()
            let query = try QueryParameters(request, known: ["path", "follow"])
            let (name, path, follow) = try (context.containerName(), query.text("path", limit: 4096), query.flag("follow"))
            return try .json(
                await context.connection.whileClientStays { try await runtime.fileStatus(name, path: path, follow: follow) })
        },
        Endpoint(.get, "v1/containers/:id/archive") { request, context in
            try request.refuseBody()
            let query = try QueryParameters(request, known: ["path", "follow"])
            let (name, path, follow) = try (context.containerName(), query.text("path", limit: 4096), query.flag("follow"))
            return .archive(
                try await context.connection.whileClientStays { try await runtime.archive(name, path: path, follow: follow) }, context)
        },
        Endpoint(.put, "v1/containers/:id/archive") { request, context in
            let query = try QueryParameters(request, known: ["path", "keepOwners"])
            try request.requireContentType("application/x-tar")
            let (name, path, keeping) = try (context.containerName(), query.text("path", limit: 4096), query.flag("keepOwners"))
            let intake = try await context.connection.whileClientStays {
                try await runtime.extract(name, into: path, keepingOwners: keeping)
            }
            try await request.send(to: intake, context)
            return .noContent
        },
        Endpoint(.get, "v1/containers/:id/export") { request, context in
            try request.requirePlain()
            let name = try context.containerName()
            return .archive(try await context.connection.whileClientStays { try await runtime.export(name) }, context)
        },
        Endpoint(.get, "v1/containers/:id/changes") { request, context in
            try request.requirePlain()
            let name = try context.containerName()
            let changes = try await context.connection.whileClientStays { try await runtime.changes(name) }
            return .lines(context) { feed in
                var changes = changes
                while let some = try await changes.next() {
                    for change in some { try await feed.append(change) }
                }
            }
        },
    ]
}

extension Response {
    /// A tar stream; one that comes to an error is cut short, so that the client sees that it is not whole.
    fileprivate static func archive(_ archive: FileArchive, _ context: APIContext) -> Response {
        let connection = context.connection
        let body = ResponseBody { writer in
            connection.whenClientLeaves { archive.cancel() }
            defer { connection.whenClientLeaves(nil) }
            try await withGracefulShutdownHandler {
                while let bytes = try await archive.next() {
                    connection.expect(within: Limits.streamDeparture)
                    try await writer.write(ByteBuffer(bytes: bytes))
                    connection.expect(within: nil)
                }
            } onGracefulShutdown: {
                archive.cancel()
            }
            connection.expect(within: Limits.departure)
            try await writer.finish(nil)
        }
        return Response(status: .ok, headers: [.contentType: "application/x-tar"], body: body)
    }
}

extension Request {
    /// Hands the body on, piece by piece: the next is asked for when the last has gone.
    fileprivate func send(to intake: FileIntake, _ context: APIContext) async throws {
        let connection = context.connection
        connection.whenClientLeaves { intake.cancel() }
        defer {
            connection.whenClientLeaves(nil)
            connection.expect(within: nil)
        }
        try await withGracefulShutdownHandler {
            let isWhole: Bool
            do {
                isWhole = try await pass(to: intake, connection)
            } catch let error as EngineError {
                intake.cancel()
                throw error
            } catch {
                intake.cancel()
                throw APIProblem.invalidRequest("the archive did not arrive whole")
            }
            connection.expect(within: nil)
            if isWhole { connection.hasUnreadBody = false }
            try await intake.finish()
        } onGracefulShutdown: {
            intake.cancel()
        }
    }

    /// - Returns: false where the rest is not wanted.
    private func pass(to intake: FileIntake, _ connection: Connection) async throws -> Bool {
        connection.expect(within: Limits.arrival)
        for try await part in body {
            connection.expect(within: nil)
            guard try await intake.write(Array(part.readableBytesView)) else { return false }
            connection.expect(within: Limits.arrival)
        }
        return true
    }
}
