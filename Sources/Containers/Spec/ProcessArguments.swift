// SPDX-License-Identifier: Apache-2.0

/// What PID 1 is exec'd with.
///
/// The shell form of ENTRYPOINT and CMD is already `["/bin/sh", "-c", text]` in an image config, so one rule holds for all
/// nine combinations of exec form, shell form and absent: Entrypoint, then Cmd. After a shell-form Entrypoint the shell takes
/// Cmd's words for `$0`, `$1`…, which is what Docker's "CMD is ignored" means. Source: image-spec config.md, "Entrypoint", "Cmd".
package enum ProcessArguments {
    /// - Parameters:
    ///   - entrypoint: the request's; nil keeps the image's, an array (also an empty one) replaces it and clears the image's Cmd.
    ///   - arguments: the request's; where not empty they replace Cmd.
    /// - Throws: `ContainerError.invalidRequest` where nothing is left to run, or a word holds a NUL.
    package static func resolve(
        imageEntrypoint: [String]?, imageCommand: [String]?, entrypoint: [String]?, arguments: [String]
    ) throws(ContainerError) -> [String] {
        let first: [String]
        let rest: [String]
        if let entrypoint {
            first = entrypoint
            rest = arguments
        } else {
            first = imageEntrypoint ?? []
            rest = arguments.isEmpty ? imageCommand ?? [] : arguments
        }
        let words = first + rest
        guard let program = words.first else {
            throw .invalidRequest("no command: the image has neither Entrypoint nor Cmd", remedy: "write a command after the image")
        }
        guard !program.isEmpty else { throw .invalidRequest("the command's first word is empty") }
        guard !words.contains(where: { $0.utf8.contains(0) }) else { throw .invalidRequest("the command holds a NUL byte") }
        return words
    }
}
