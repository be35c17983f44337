// SPDX-License-Identifier: Apache-2.0

internal import APITypes
internal import ShimProtocol

/// What a request and the node's defaults make of a container's log.
enum LogPlan {
    static let bufferSizes: ClosedRange<Int64> = 128 << 10...1 << 30

    /// - Throws: `ContainerError.invalidRequest` for a limit that can't be kept.
    static func limits(_ request: CreateContainerRequest, _ node: LogLimits) throws(ContainerError) -> LogLimits {
        guard let options = request.logOptions else { return node }
        guard request.log == .file else { throw .invalidRequest("limits of a log for a container that keeps none") }
        var limits = node
        if let size = options.maxSizeInBytes {
            guard size >= LogLimits.smallestSize else {
                throw .invalidRequest("log files of \(size) bytes", remedy: "use max-size=128k or more")
            }
            limits.maxSizeInBytes = size
        }
        if let files = options.maxFiles {
            guard (1...LogLimits.mostFiles).contains(files) else {
                throw .invalidRequest("\(files) log files", remedy: "use max-file=1 to \(LogLimits.mostFiles)")
            }
            limits.maxFiles = files
        }
        if let mode = options.mode { limits.mode = mode == .blocking ? .blocking : .nonBlocking }
        if let size = options.bufferSizeInBytes {
            guard limits.mode == .nonBlocking else {
                throw .invalidRequest("a buffer for a log in the blocking mode", remedy: "use mode=non-blocking with it")
            }
            guard bufferSizes.contains(size) else {
                throw .invalidRequest("a log buffer of \(size) bytes", remedy: "use max-buffer-size=128k to 1g")
            }
            limits.bufferSizeInBytes = Int(size)
        }
        return limits
    }
}
