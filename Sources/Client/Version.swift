// SPDX-License-Identifier: Apache-2.0

/// This client's own version.
package let clientVersion = "0.1.0"

/// The API that this client speaks.
package let clientAPIVersion = "v1"
