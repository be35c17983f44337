// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Glibc
import JSON
import Linux
import Runtime
import SystemPackage

struct SpecCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "spec", abstract: "Write a config.json to start from.")

    @OptionGroup var global: GlobalOptions
    @Option(name: [.short, .long], help: "The directory to write it into.") var bundle = "."

    func run() throws {
        try reporting(global) {
            let path = FilePath(bundle).appending("config.json")
            var status = stat()
            if withCPath(path, { stat($0, &status) }) == 0 { throw CommandError("\(path) exists already") }
            try replaceFile(path, with: JSON.encode(DefaultSpec.make(), .pretty), mode: 0o644)
        }
    }
}
