// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser

/// `image …`: the same commands, for those who look for them there, and what is done to images alone.
struct Image: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "image", abstract: "The image commands, gathered; what layers are made of.",
        subcommands: [
            Efficiency.self, Images.Listed.self, InspectImages.self, Load.self, PinImages.self, Prune.self, Pull.self,
            RemoveImages.Gathered.self, Tree.self, UnpinImages.self,
        ])
}
