// SPDX-License-Identifier: Apache-2.0

import Foundation
import FuzzTargets
import TestSupport
import Testing

/// What fuzzing starts from, and every input that once broke something: in Fuzz/Corpus, a directory a target.
@Suite(.asRoot) struct CorpusTests {
    private static let corpus = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../Fuzz/Corpus").standardized

    private static func files(_ target: FuzzTarget) throws -> [URL] {
        try FileManager.default.contentsOfDirectory(at: corpus.appending(path: target.rawValue), includingPropertiesForKeys: nil)
            .sorted { $0.path < $1.path }
    }

    @Test("every input of the corpus keeps the target's promises", arguments: FuzzTarget.allCases)
    func promises(_ target: FuzzTarget) throws {
        let files = try Self.files(target)
        #expect(files.count >= 5)
        for file in files {
            #expect(throws: Never.self, "\(file.lastPathComponent)") { try target.check(Array(Data(contentsOf: file))) }
        }
    }

    @Test("what is kept in the tree is small") func small() throws {
        let sizes = try FuzzTarget.allCases.flatMap(Self.files).map { try Data(contentsOf: $0).count }
        #expect(sizes.reduce(0, +) < 200 << 10)
    }
}
