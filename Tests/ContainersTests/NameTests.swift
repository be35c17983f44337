// SPDX-License-Identifier: Apache-2.0

import APITypes
import Containers
import OCI
import SystemPackage
import Testing

@Suite struct NameTests {
    @Test("names as Docker takes them", arguments: ["a", "A9", "0", "web-1", "a_b.c-d", "x" + String(repeating: ".", count: 127)])
    func names(name: String) { #expect(ContainerName.isValid(name)) }

    @Test(
        "anything else is no name: it could be an option, a path, or look like another",
        arguments: [
            "", "-a", ".a", "_a", "a b", "a/b", "../a", "a\n", "a\0", "ä", "a\u{301}", "\u{212A}", "a\u{200B}", "a:b", "a,b",
            String(repeating: "a", count: 129),
        ])
    func badNames(name: String) { #expect(!ContainerName.isValid(name)) }

    @Test("a new ID is 32 hexadecimal digits, and no other container's")
    func newIDs() {
        let ids = Set((0..<1000).map { _ in ContainerID().text })
        #expect(ids.count == 1000)
        for id in ids {
            #expect(ContainerID(id)?.text == id)
            #expect(id.utf8.count == 32)
        }
    }

    @Test(
        "what is not an ID is none: it would name a directory",
        arguments: [
            "", "..", "../../../../../../../../etc/passwd", String(repeating: "a", count: 31), String(repeating: "a", count: 33),
            String(repeating: "A", count: 32), String(repeating: "g", count: 32), String(repeating: "a", count: 31) + "/",
            String(repeating: "a", count: 31) + "\0", String(repeating: "\u{FF11}", count: 32), String(repeating: "é", count: 16),
        ])
    func badIDs(text: String) { #expect(ContainerID(text) == nil) }

    // MARK: The index

    private static func container(_ id: String, name: String) throws -> Container {
        .unstarted(try #require(ContainerID(id.padding(to: 32))), name: name)
    }

    @Test("a container is found by its ID, then its name, then a prefix that it alone has")
    func finding() throws {
        let index = ContainerIndex()
        let first = try Self.container("abc1", name: "web")
        let second = try Self.container("abc2", name: "abc1")
        for container in [first, second] { index.insert(container) }
        #expect(try index.find(first.id.text) === first)
        #expect(try index.find("web") === first)
        #expect(try index.find("abc1") === second, "a name goes before a prefix")
        #expect(try index.find("abc10") === first)
        #expect(try index.find("abc2") === second)
    }

    @Test("what nothing has, and what several have, is refused with its name", arguments: ["", "nope", "abc12345", "ABC1", "web "])
    func notFound(text: String) throws {
        let index = ContainerIndex()
        index.insert(try Self.container("abc1", name: "web"))
        index.insert(try Self.container("abc2", name: "db"))
        guard case .notFound(text)? = #expect(throws: ContainerError.self, performing: { try index.find(text) }) else {
            Issue.record("not \"not found\"")
            return
        }
        guard case .ambiguous("abc", let matches)? = #expect(throws: ContainerError.self, performing: { try index.find("abc") }) else {
            Issue.record("not ambiguous")
            return
        }
        #expect(matches.sorted() == ["abc100000000", "abc200000000"])
    }

    @Test("a name is one container's until it is given back, or the container is gone")
    func claims() throws {
        let index = ContainerIndex()
        let first = try Self.container("abc1", name: "web")
        try index.claim(name: "web", for: first.id)
        guard
            case .nameInUse("web", "abc100000000")? = #expect(
                throws: ContainerError.self, performing: { try index.claim(name: "web", for: ContainerID()) })
        else {
            Issue.record("not in use")
            return
        }
        index.release(name: "web")
        try index.claim(name: "web", for: first.id)
        index.insert(first)
        #expect(throws: ContainerError.self) { try index.claim(name: "web", for: ContainerID()) }
        index.remove(first)
        try index.claim(name: "web", for: ContainerID())
    }

    @Test("a claimed name finds nothing before its container is made")
    func claimedOnly() throws {
        let index = ContainerIndex()
        try index.claim(name: "web", for: ContainerID())
        #expect(throws: ContainerError.self) { try index.find("web") }
        #expect(index.all.isEmpty)
    }
}

extension String {
    fileprivate func padding(to length: Int) -> String { self + String(repeating: "0", count: length - utf8.count) }
}
