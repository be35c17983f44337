// SPDX-License-Identifier: Apache-2.0

internal import APITypes
internal import Linux
package import Tar

extension APIClient {
    /// A request whose answer is bytes, each piece handed over as it comes.
    package func download(
        _ path: [String], query: [(name: String, value: String?)] = [], _ each: (ArraySlice<UInt8>) throws(ClientError) -> Void
    ) throws(ClientError) {
        let (connection, head) = try begin(.get, path, query, nil as String?)
        guard head.status < 300 else {
            _ = try rest(connection, head)
            return
        }
        while true {
            let bytes = try http { () throws(HTTPError) in try connection.receiveBody() }
            if bytes.isEmpty { return }
            try each(bytes)
        }
    }

    /// The same as a tar to be read.
    package func downloadTar(
        _ path: [String], query: [(name: String, value: String?)],
        _ body: (inout TarReader<DownloadSource>) throws(ClientError) -> Void
    ) throws(ClientError) {
        let (connection, head) = try begin(.get, path, query, nil as String?)
        guard head.status < 300 else {
            _ = try rest(connection, head)
            return
        }
        let failure = DownloadFailure()
        var reader = TarReader(DownloadSource(connection, failure))
        do throws(ClientError) { try body(&reader) } catch {
            connection.abandon()
            if let error = failure.error { throw .connection(error) }
            throw error
        }
        // The archive may end before the stream does, and only the stream's end says that it is whole.
        while try !http({ () throws(HTTPError) in try connection.receiveBody() }).isEmpty {}
    }

    /// Streams a body up; the answer says nothing.
    package func put(
        _ path: [String], query: [(name: String, value: String?)], contentType: String, source: inout some UploadSource
    ) throws(ClientError) {
        let connection = try open()
        try http { () throws(HTTPError) in
            try connection.send(
                HTTPRequest(.put, HTTPRequest.target(path, query: query), body: .stream(length: nil, contentType: contentType)))
        }
        do throws(UploadError) { _ = try connection.sendBody(&source, length: nil) } catch {
            switch error {
            case .source(let error): throw .upload(error)
            case .connection(let error): throw .connection(error)
            }
        }
        let head = try http { () throws(HTTPError) in try connection.receiveHead() }
        _ = try rest(connection, head)
    }
}

/// Why a download broke off: the reader of tars knows only that it did.
final class DownloadFailure {
    var error: HTTPError?
}

/// An answer's body as an archive's bytes.
package struct DownloadSource: TarSource {
    private let connection: HTTPConnection
    private let failure: DownloadFailure
    private var rest: ArraySlice<UInt8> = []

    init(_ connection: HTTPConnection, _ failure: DownloadFailure) {
        self.connection = connection
        self.failure = failure
    }

    package mutating func read(into buffer: UnsafeMutableRawBufferPointer) throws(TarError) -> Int {
        if rest.isEmpty {
            do throws(HTTPError) { rest = try connection.receiveBody() } catch {
                failure.error = error
                throw .sourceFailed
            }
        }
        let count = min(buffer.count, rest.count)
        buffer.copyBytes(from: rest.prefix(count))
        rest = rest.dropFirst(count)
        return count
    }
}
