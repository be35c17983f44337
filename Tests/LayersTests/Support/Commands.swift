// SPDX-License-Identifier: Apache-2.0

import Foundation
import SystemPackage
import Testing

/// Runs a program. - Returns: its output.
@discardableResult
func run(_ arguments: [String], in directory: FilePath = "/") throws -> [UInt8] {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = arguments
    process.currentDirectoryURL = URL(filePath: directory.string)
    process.standardInput = FileHandle.nullDevice
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let bytes = try output.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    try #require(process.terminationStatus == 0, "\(arguments)")
    return [UInt8](bytes)
}
