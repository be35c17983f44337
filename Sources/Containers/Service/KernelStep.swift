// SPDX-License-Identifier: Apache-2.0

internal import Linux

/// Names the step of kernel calls.
func kernelStep<Value: ~Copyable>(_ step: String, _ body: () throws(KernelError) -> Value) throws(ContainerError) -> Value {
    do throws(KernelError) { return try body() } catch { throw .kernel(step, error) }
}
