// SPDX-License-Identifier: Apache-2.0

package import SystemPackage

/// One line of /proc/PID/mountinfo. Source: proc_pid_mountinfo(5).
package struct MountInfo: Sendable, Hashable {
    package var id: Int
    package var parent: Int
    /// Which directory of the filesystem is mounted.
    package var root: String
    package var mountPoint: String
    package var options: [String]
    /// "shared:7", "master:3".
    package var propagation: [String]
    package var type: String
    package var source: String
    package var superOptions: [String]

    /// Every mount that a process sees, in mount order.
    package static func all(_ path: FilePath = "/proc/self/mountinfo") throws(KernelError) -> [MountInfo] {
        parse(try readFile(path, limit: 64 << 20))
    }

    /// The mount through which an object was opened; nil where this process does not see it. Source: proc_pid_fdinfo(5), "mnt_id".
    package static func holding(_ object: borrowing OwnedFD) throws(KernelError) -> MountInfo? {
        let words = try readFile(FilePath("/proc/self/fdinfo/\(object.raw)")).split { $0 == 0x09 || $0 == 0x0A }.map(text)
        guard let at = words.firstIndex(of: "mnt_id:"), at + 1 < words.count, let id = Int(words[at + 1]) else { return nil }
        return try all().first { $0.id == id }
    }

    /// Lines that are not of the form are left out: the kernel writes none.
    package static func parse(_ bytes: [UInt8]) -> [MountInfo] {
        bytes.split(separator: UInt8(ascii: "\n")).compactMap { Self(line: $0) }
    }

    private init?(line: ArraySlice<UInt8>) {
        let fields = line.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
        guard let dash = fields.dropFirst(6).firstIndex(where: { $0.elementsEqual([0x2D]) }), fields.count >= dash + 4,
            let id = Int(Self.text(fields[0])), let parent = Int(Self.text(fields[1]))
        else { return nil }
        self.id = id
        self.parent = parent
        root = Self.text(fields[3])
        mountPoint = Self.text(fields[4])
        options = Self.list(fields[5])
        propagation = fields[6..<dash].map(Self.text)
        type = Self.text(fields[dash + 1])
        source = Self.text(fields[dash + 2])
        superOptions = Self.list(fields[dash + 3])
    }

    private static func list(_ field: ArraySlice<UInt8>) -> [String] { field.split(separator: UInt8(ascii: ",")).map(text) }

    /// Space, tab, newline and backslash are written as three octal digits.
    private static func text(_ field: ArraySlice<UInt8>) -> String {
        guard field.contains(0x5C) else { return String(decoding: field, as: UTF8.self) }
        var result: [UInt8] = []
        var rest = field
        while let byte = rest.popFirst() {
            let digits = rest.prefix(3)
            if byte == 0x5C, digits.count == 3, digits.allSatisfy({ (0x30...0x37).contains($0) }) {
                result.append(UInt8(truncatingIfNeeded: digits.reduce(0) { $0 << 3 | Int($1 - 0x30) }))
                rest = rest.dropFirst(3)
            } else {
                result.append(byte)
            }
        }
        return String(decoding: result, as: UTF8.self)
    }
}
