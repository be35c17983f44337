// SPDX-License-Identifier: Apache-2.0

internal import NIOCore

/// How much, and how long, a client may ask of the server. docs/api/openapi.yaml tells them.
enum Limits {
    static let headerFieldBytes = 16 << 10
    static let headerListBytes = 32 << 10
    static let headerFields = 128
    /// A JSON body.
    static let bodyBytes = 1 << 20
    /// A connection without a request, and a request whose head or body does not go on.
    static let idle = TimeAmount.seconds(60)
    /// A JSON body, from its first byte to its last; and each piece of an archive.
    static let arrival = TimeAmount.seconds(30)
    /// An answer that is not taken.
    static let departure = TimeAmount.seconds(30)
    /// The same for a stream: a pager may rest.
    static let streamDeparture = TimeAmount.minutes(10)
    /// How long the rest of a refused body is still read, so that the client comes to see the answer.
    static let lingering = TimeAmount.seconds(2)
    /// Lines that wait for a client of a stream; beyond it their producer waits.
    static let pendingStreamBytes = 256 << 10
    /// Connections that wait to be accepted: a client beyond it waits, or is told EAGAIN.
    static let backlog: CInt = 4096
    /// Open connections: a foreground `run` holds one for its `wait`.
    static let connections = 8192
}
