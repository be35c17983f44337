// SPDX-License-Identifier: Apache-2.0

import Glibc
import Linux
import SystemPackage
import Testing

@Suite struct ResidentMemoryTests {
    /// KiB of the process's mappings that can be executed, all of them of files.
    private func residentProgram() throws -> Int {
        var isExecutable = false
        var sum = 0
        let text = try readFile("/proc/self/smaps", limit: 16 << 20)
        for line in String(decoding: text, as: UTF8.self).split(separator: "\n") {
            let words = line.split(separator: " ")
            if words.count >= 5, words[1].count == 4 { isExecutable = words[1].contains("x") && words.count > 5 }
            if isExecutable, words.first == "Rss:" { sum += Int(words[1]) ?? 0 }
        }
        return sum
    }

    @Test("what of the program is not used any more is given back, and comes back when it is") func release() throws {
        let before = try residentProgram()
        ResidentMemory.release()
        let after = try residentProgram()
        #expect(before > 0 && after < before, "\(before) KiB, then \(after) KiB")
        #expect("\([3, 1, 2].sorted())" == "[1, 2, 3]")
    }
}
