// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import JSON

struct StateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "state", abstract: "Print a container's state as JSON.")

    @OptionGroup var global: GlobalOptions
    @Argument(help: "The container's id.") var id: String

    func run() throws {
        try reporting(global) {
            let directory = try StateDirectory(root: global.root, id: id)
            let bytes = try JSON.encode(directory.read().state(directory), .pretty)
            print(String(decoding: bytes, as: UTF8.self))
        }
    }
}
