// SPDX-License-Identifier: Apache-2.0

internal import Engine
internal import HTTPTypes
internal import Hummingbird
internal import Logging

/// One operation of docs/api/openapi.yaml: a handler decodes, calls the engine, encodes.
struct Endpoint: Sendable {
    let method: HTTPRequest.Method
    /// With `:id` for the container's name.
    let path: String
    let handler: @Sendable (Request, APIContext) async throws -> Response

    init(_ method: HTTPRequest.Method, _ path: String, _ handler: @escaping @Sendable (Request, APIContext) async throws -> Response) {
        self.method = method
        self.path = path
        self.handler = handler
    }
}

/// What the handlers share.
struct Backend: Sendable {
    let runtime: NodeRuntime
    let description: APIDescription
}

/// The router of every endpoint. Another method on a known path is 405 with `Allow`, another path 404.
func makeRouter(_ runtime: NodeRuntime, _ description: APIDescription) -> any HTTPResponder<APIContext> {
    let service = Backend(runtime: runtime, description: description)
    let endpoints =
        systemEndpoints(service) + imageEndpoints(service) + containerEndpoints(service) + limitEndpoints(service)
        + snapshotEndpoints(service)
    let router = Router(context: APIContext.self)
    router.add(middleware: ProblemMiddleware())
    for endpoint in endpoints { router.on(RouterPath(endpoint.path), method: endpoint.method, use: endpoint.handler) }

    let methods = Dictionary(grouping: endpoints, by: \.path).mapValues { Set($0.map(\.method)) }
    for (path, known) in methods {
        let allowed = known.map(\.rawValue).sorted().joined(separator: ", ")
        for method in everyMethod where !known.contains(method) {
            router.on(RouterPath(path), method: method) { _, _ -> Response in
                throw APIProblem(.methodNotAllowed, "\(method.rawValue) is not a method of this path", allowed: allowed)
            }
        }
    }
    return router.buildResponder()
}

private let everyMethod: [HTTPRequest.Method] =
    [.get, .head, .post, .put, .delete, .patch, .options, .trace, .connect] + [HTTPRequest.Method("QUERY")].compactMap(\.self)

/// Every refusal becomes a problem, and a path that nothing serves too.
private struct ProblemMiddleware: RouterMiddleware {
    func handle(
        _ request: Request, context: APIContext, next: (Request, APIContext) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch let error as HTTPError where error.status == .notFound {
            return Response(APIProblem(.notFound, "no path \(quoted(request.uri.path)) with method \(request.method.rawValue)"))
        } catch {
            let problem = APIProblem(any: error)
            if problem.code.status == .internalServerError {
                context.logger.error("\(request.method.rawValue) \(quoted(request.uri.path)): \(problem.detail)")
            }
            return Response(problem)
        }
    }
}
