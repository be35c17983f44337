// SPDX-License-Identifier: Apache-2.0

internal import APITypes
internal import OCI

/// What holds for each process, not for the group: setrlimit(2)'s limits and the score of the out-of-memory killer.
enum ProcessLimits {
    private static let names: Set<String> = [
        "as", "core", "cpu", "data", "fsize", "locks", "memlock", "msgqueue", "nice", "nofile", "nproc", "rss", "rtprio", "rttime",
        "sigpending", "stack",
    ]

    /// The request's in place of the defaults of the same name.
    static func limits(_ requests: [UlimitRequest], over defaults: [RuntimeSpec.Rlimit]) throws(ContainerError) -> [RuntimeSpec.Rlimit] {
        var limits = defaults
        var seen: Set<String> = []
        for request in requests {
            guard names.contains(request.name) else {
                throw .invalidRequest("ulimit \"\(request.name)\"", remedy: "there are \(names.sorted().joined(separator: ", "))")
            }
            guard seen.insert(request.name).inserted else { throw .invalidRequest("ulimit \"\(request.name)\" is given twice") }
            guard request.soft >= -1, request.hard >= -1, request.hard == -1 || (request.soft >= 0 && request.soft <= request.hard) else {
                throw .invalidRequest(
                    "ulimit \(request.name) of \(request.soft):\(request.hard)",
                    remedy: "the soft limit is not above the hard one; -1 is unlimited")
            }
            func value(_ limit: Int64) -> UInt64 { limit == -1 ? .max : UInt64(limit) }
            let type = "RLIMIT_" + request.name.uppercased()
            limits.removeAll { $0.type == type }
            limits.append(RuntimeSpec.Rlimit(type: type, hard: value(request.hard), soft: value(request.soft)))
        }
        return limits
    }

    static func outOfMemoryScore(_ score: Int?) throws(ContainerError) -> Int? {
        if let score, !(-1000...1000).contains(score) {
            throw .invalidRequest("score for the out-of-memory killer of \(score)", remedy: "use -1000 to 1000")
        }
        return score
    }

    /// /dev/shm with another size than the default's.
    static func sharedMemory(_ bytes: Int64?, in mounts: [RuntimeSpec.Mount]) throws(ContainerError) -> [RuntimeSpec.Mount] {
        guard let bytes, bytes != 0 else { return mounts }
        guard bytes >= 4096 else { throw .invalidRequest("/dev/shm of \(bytes) bytes", remedy: "use 4096 or more") }
        return mounts.map { mount in
            guard mount.destination == "/dev/shm", mount.type == "tmpfs" else { return mount }
            var mount = mount
            mount.options = (mount.options ?? []).filter { !$0.hasPrefix("size=") } + ["size=\(bytes)"]
            return mount
        }
    }
}
