// SPDX-License-Identifier: Apache-2.0

import JSON
import OCI
import Testing

/// Docker's extension of an image's execution parameters.
@Suite struct HealthcheckTests {
    private static func config(_ text: String) throws -> ImageConfig.ContainerConfig {
        try JSON.decode(ImageConfig.ContainerConfig.self, from: Array(text.utf8))
    }

    @Test("it is read as Docker writes it, and stays in the document")
    func read() throws {
        let text =
            #"{"Cmd":["x"],"Healthcheck":{"Test":["CMD-SHELL","true"],"Interval":1000000000,"Timeout":2,"StartPeriod":3,"StartInterval":4,"Retries":5},"Shell":["/bin/bash","-c"]}"#
        let config = try Self.config(text)
        let check = try #require(try config.healthcheck())
        #expect(check.test == ["CMD-SHELL", "true"] && check.interval == 1_000_000_000 && check.timeout == 2)
        #expect(check.startPeriod == 3 && check.startInterval == 4 && check.retries == 5)
        #expect(try config.shell() == ["/bin/bash", "-c"])
        #expect(String(decoding: try JSON.encode(config), as: UTF8.self) == text)
    }

    @Test("where it is not there, there is none", arguments: ["{}", #"{"Healthcheck":null,"Shell":null}"#])
    func absent(text: String) throws {
        #expect(try Self.config(text).healthcheck() == nil)
        #expect(try Self.config(text).shell() == nil)
    }

    @Test(
        "another form is an error, and only where somebody asks",
        arguments: [#"{"Healthcheck":"x"}"#, #"{"Healthcheck":{"Test":"x"}}"#, #"{"Healthcheck":{"Interval":1.5}}"#])
    func malformed(text: String) throws {
        let config = try Self.config(text)
        #expect(throws: JSONError.self) { try config.healthcheck() }
    }
}
