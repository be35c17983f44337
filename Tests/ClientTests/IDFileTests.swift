// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// `--cidfile`.
@Suite(.withProgram) struct IDFileTests {
    private let created = answer(#"{"id":"0123456789abcdef","name":"n","warnings":[]}"#, status: "201 Created")

    @Test("the id is in the file, without a line feed") func id() throws {
        let home = try Scratch()
        let outcome = try Program.run("create", "--cidfile", home.url.path + "/id", "i", daemon: [.init(created)])
        #expect(outcome.status == 0 && outcome.errors == "")
        #expect(try home.read("id") == "0123456789abcdef")
    }

    @Test("where the file can't be made nothing is asked for", arguments: [("create", 1), ("run", 125)] as [(String, Int32)])
    func unwritable(verb: String, code: Int32) throws {
        let home = try Scratch()
        let outcome = try Program.run(verb, "--cidfile", home.url.path + "/none/id", "i", daemon: [.init(created)])
        #expect(outcome.status == code && outcome.errors.contains("No such file"), "\(outcome.errors)")
        #expect(outcome.asked == [])
    }

    @Test("nor where it is there, even as a link to nothing") func there() throws {
        let home = try Scratch()
        try home.write("other", "id")
        try FileManager.default.createSymbolicLink(atPath: home.url.path + "/link", withDestinationPath: "nothing")
        for name in ["id", "link"] {
            let outcome = try Program.run("run", "-d", "--cidfile", home.url.path + "/" + name, "i", daemon: [.init(created)])
            #expect(outcome.status == 125 && outcome.errors.contains("it exists") && outcome.asked == [])
        }
        #expect(try home.read("id") == "other")
        #expect(try home.names() == ["id", "link"])
    }

    @Test("a refusal leaves no file", arguments: ["never", "missing", "always"]) func refused(pull: String) throws {
        let home = try Scratch()
        let no = refusal("404 Not Found", "image-not-found", detail: "no image")
        let outcome = try Program.run(
            "create", "--pull", pull, "--cidfile", home.url.path + "/id", "r/i", daemon: [.init(no, no)])
        #expect(outcome.status == 1 && outcome.errors.contains("no image"))
        #expect(try home.names() == [])
    }

    @Test("an id that can't be written after all is told") func full() throws {
        let home = try Scratch()
        // What the program says goes through a pipe: the limit is on every file.
        let line = #"set -o pipefail; (trap '' XFSZ; ulimit -f 0; "$0" create --cidfile "# + home.url.path + "/id i) 2>&1 | cat"
        let outcome = try Program.shell(line, daemon: [.init(created)])
        #expect(outcome.status == 0 && outcome.output.hasSuffix("\n0123456789abcdef\n"))
        #expect(outcome.output.contains("the container is 0123456789abcdef"))
        #expect(try home.names() == [])
    }
}
