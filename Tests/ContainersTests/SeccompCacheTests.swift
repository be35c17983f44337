// SPDX-License-Identifier: Apache-2.0

import Containers
import Linux
import SystemPackage
import Testing

@Suite struct SeccompCacheTests {
    @Test("the program is compiled into a file that every caller gets, and a new daemon makes anew")
    func compiled() async throws {
        let layers = try TestLayers()
        let cache = SeccompCache(directory: layers.store)
        let paths = try await withThrowingTaskGroup(of: String.self) { group in
            for _ in 0..<4 { group.addTask { try cache.path() } }
            return try await group.reduce(into: Set<String>()) { $0.insert($1) }
        }
        let path = try FilePath(#require(paths.first))
        #expect(paths.count == 1)
        let program = try readFile(path)
        // struct sock_filter is eight bytes.
        #expect(!program.isEmpty && program.count % 8 == 0)
        #expect(Files.mode(path) == 0o600)
        #expect(Files.names(layers.store).filter { $0 != "0" } == [path.lastComponent?.string])
        try replaceFile(path, with: [1])
        #expect(try SeccompCache(directory: layers.store).path() == path.string)
        #expect(try readFile(path) == program)
    }

    @Test("a directory that is not there is an error with its name, and no path")
    func noDirectory() throws {
        let layers = try TestLayers()
        let cache = SeccompCache(directory: layers.store.appending("none"))
        for _ in 0..<2 {
            let error = #expect(throws: ContainerError.self) { try cache.path() }
            #expect(error?.description.contains(layers.store.string) == true)
        }
    }

    @Test("callers that compile at once do not get in each other's way: the file is whole at any time")
    func atOnce() async throws {
        let layers = try TestLayers()
        let size = try readFile(FilePath(SeccompCache(directory: layers.store).path())).count
        for _ in 0..<10 {
            let cache = SeccompCache(directory: layers.store)
            let sizes = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<4 { group.addTask { try readFile(FilePath(cache.path())).count } }
                return try await group.reduce(into: Set<Int>()) { $0.insert($1) }
            }
            #expect(sizes == [size])
        }
    }
}
