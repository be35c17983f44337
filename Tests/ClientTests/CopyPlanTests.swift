// SPDX-License-Identifier: Apache-2.0

import Client
import Testing

/// Docker's rules for `cp`, as a table.
@Suite struct CopyPlanTests {
    struct Case: Sendable {
        var name: String
        var isDirectory: Bool
        var contents = false
        var to: String
        var destination: CopyPlan.Destination
        var directory: String?
        var renamed: String?
    }

    @Test(
        "a file or directory comes where cp would put it",
        arguments: [
            Case(name: "f", isDirectory: false, to: "/d", destination: .directory, directory: "/d", renamed: "f"),
            Case(name: "f", isDirectory: false, to: "/d/", destination: .directory, directory: "/d/", renamed: "f"),
            Case(name: "f", isDirectory: false, to: "/x/g", destination: .nothing, directory: "/x", renamed: "g"),
            Case(name: "f", isDirectory: false, to: "/g", destination: .other, directory: "/", renamed: "g"),
            Case(name: "f", isDirectory: false, to: "g", destination: .nothing, directory: ".", renamed: "g"),
            Case(name: "f", isDirectory: false, to: "a/b/g", destination: .nothing, directory: "a/b", renamed: "g"),
            Case(name: "f", isDirectory: false, to: "/x/", destination: .nothing),
            Case(name: "f", isDirectory: false, to: "/g/", destination: .other),
            Case(name: "s", isDirectory: true, to: "/d", destination: .directory, directory: "/d", renamed: "s"),
            Case(name: "s", isDirectory: true, contents: true, to: "/d", destination: .directory, directory: "/d"),
            Case(name: "s", isDirectory: true, to: "/x/n", destination: .nothing, directory: "/x", renamed: "n"),
            Case(name: "s", isDirectory: true, contents: true, to: "/x/n/", destination: .nothing, directory: "/x", renamed: "n"),
            Case(name: "s", isDirectory: true, to: "/f", destination: .other),
            Case(name: ".", isDirectory: true, contents: true, to: ".", destination: .directory, directory: "."),
            Case(name: "f", isDirectory: false, to: "/x/..", destination: .nothing),
        ])
    func plan(case example: Case) throws {
        let source = CopyPlan.Source(name: example.name, isDirectory: example.isDirectory, wantsContents: example.contents)
        guard let directory = example.directory else {
            #expect(throws: UsageError.self) { try CopyPlan(source, to: example.to, example.destination) }
            return
        }
        let plan = try CopyPlan(source, to: example.to, example.destination)
        #expect(plan.directory == directory && plan.name == example.renamed)
    }

    @Test(
        "which side is a container's",
        arguments: [
            ("c:/x", .container("c", path: "/x")), ("c:x", .container("c", path: "/x")), ("c:/", .container("c", path: "/")),
            ("-", .stream),
            ("./a:b", .host("./a:b")), ("/a:b", .host("/a:b")), ("a/b:c", .host("a/b:c")), ("file", .host("file")),
            ("c:/a:b", .container("c", path: "/a:b")),
        ] as [(String, CopyPlace)])
    func place(text: String, place: CopyPlace) throws { #expect(try CopyPlace(text) == place) }

    @Test("what names nothing is refused", arguments: ["", "c:", ":x"])
    func noPlace(text: String) { #expect(throws: UsageError.self) { try CopyPlace(text) } }

    @Test(
        "what is in a directory is asked for by /.",
        arguments: [("/a/.", true), (".", true), ("/", true), ("/a", false), ("/a/", false), ("", false), ("a.", false)])
    func contents(path: String, wanted: Bool) { #expect(CopyPlan.wantsContents(path) == wanted) }
}
