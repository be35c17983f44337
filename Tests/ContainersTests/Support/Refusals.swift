// SPDX-License-Identifier: Apache-2.0

import Containers
import Testing

/// The body must refuse as `invalidRequest`, in words that hold `part`.
func expectInvalid<Value>(
    _ part: String, _ location: SourceLocation = #_sourceLocation, _ body: () throws -> Value
) {
    let error = #expect(throws: ContainerError.self, sourceLocation: location) { _ = try body() }
    guard case .invalidRequest(let what, _)? = error else {
        Issue.record("\(error.map { "\($0)" } ?? "no error") is not invalidRequest", sourceLocation: location)
        return
    }
    #expect(what.contains(part), sourceLocation: location)
}

func expectWrongState(_ location: SourceLocation = #_sourceLocation, _ body: () async throws -> Void) async {
    let error = await #expect(throws: ContainerError.self, sourceLocation: location) { try await body() }
    guard case .wrongState? = error else {
        Issue.record("\(error.map { "\($0)" } ?? "no error") is not wrongState", sourceLocation: location)
        return
    }
}
