// SPDX-License-Identifier: Apache-2.0

/// A further process of the container. What it is stands in a file (an OCI `process`), which may be larger than a message.
package struct ShimExec: Codable, Sendable, Hashable {
    /// Chosen by the engine: 1 to 64 lower-case hexadecimal digits.
    package var id: String
    package var openStdin: Bool
    /// No client attaches: its streams are /dev/null, or a terminal whose output is thrown away, and it goes on without one.
    package var detached: Bool
    package init(id: String, openStdin: Bool, detached: Bool) {
        self.id = id
        self.openStdin = openStdin
        self.detached = detached
    }

    package static func isValid(id: String) -> Bool {
        (1...64).contains(id.utf8.count)
            && id.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"): true
                default: false
                }
            }
    }

    /// The name of the file with the process, in the container's state directory.
    package static func processFile(id: String) -> String { "exec-\(id).json" }

    /// - Returns: nil for another file's name.
    package static func id(ofProcessFile name: String) -> String? {
        guard name.hasPrefix("exec-"), name.hasSuffix(".json") else { return nil }
        let id = String(name.dropFirst(5).dropLast(5))
        return isValid(id: id) ? id : nil
    }
}

package struct ShimExecStatus: Codable, Sendable, Hashable {
    package var id: String
    package var pid: Int32
    package var startedAt: String
    /// nil while it runs.
    package var exit: ShimExit?
    package init(id: String, pid: Int32, startedAt: String, exit: ShimExit?) {
        self.id = id
        self.pid = pid
        self.startedAt = startedAt
        self.exit = exit
    }
}
