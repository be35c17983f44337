// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Runtime

struct CreateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "create", abstract: "Make a container; `start` lets its program run.")

    @OptionGroup var global: GlobalOptions
    @OptionGroup var bundle: BundleOptions

    func run() throws {
        try reporting(global) { _ = try Launching(global, bundle).launch(gated: true) }
    }
}
