// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import JSON
import Runtime

struct FeaturesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "features", abstract: "Print what this runtime can do. Source: runtime-spec features.md.")

    @OptionGroup var global: GlobalOptions

    func run() throws {
        try reporting(global) { print(String(decoding: try JSON.encode(RuntimeFeatures.current(), .pretty), as: UTF8.self)) }
    }
}
