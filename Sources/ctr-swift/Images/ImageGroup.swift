// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser

/// `image …`: the same commands, for those who look for them there, and what is done to images alone.
struct Image: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "image", abstract: "The image commands, gathered.",
        subcommands: [
            Images.Listed.self, InspectImages.self, Load.self, Pull.self, RemoveImages.Gathered.self, Prune.self, PinImages.self,
            UnpinImages.self,
        ])
}
